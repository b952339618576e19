import SkerryCRDT
import SkerryGossip
import SkerryReplication
import SkerryStorage
import SkerryWire
import Synchronization
import Testing

@Suite("Replicas")
struct ReplicaTests {
    @Test("U-01, U-02, U-03: two replicas over a stream get what they lack, and then what is new")
    func streams() async throws {
        let (left, right) = (ReplicatedModel<String>(), ReplicatedModel<String>())
        let (a, b) = (try Replica(["m": left]), try Replica(["m": right]))
        try left.set("x", to: "1")
        try right.set("y", to: "2")
        let (near, far) = MemoryDuplexStream.pair(piece: 7)
        let session = try a.start(over: near)
        let other = try b.start(over: far)
        try await session.synchronised()
        try await other.synchronised()
        #expect(left.values == ["x": "1", "y": "2"] && right.values == left.values)
        var changes = right.changes.makeAsyncIterator()
        try left.set("z", to: "3")
        let change = await changes.next()
        #expect(change?.keys == ["z"] && right["z"] == "3")
        session.close()
        try await session.ended()
        try await other.ended()
        await a.dispose()
        await b.dispose()
    }
}
