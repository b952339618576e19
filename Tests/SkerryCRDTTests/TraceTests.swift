import Foundation
import Testing

@testable import SkerryCRDT

/// Real editing sessions; `Benchmarks/Traces/README.md` names their authors.
@Suite("Editing traces")
struct TraceTests {
    private struct File: Decodable {
        struct Transaction: Decodable {
            var parents: [Int]?
            var agent: Int?
            var patches: [Patch]
        }

        struct Patch: Decodable {
            var position: Int
            var deleted: Int
            var inserted: String

            init(from decoder: any Decoder) throws {
                var values = try decoder.unkeyedContainer()
                position = try values.decode(Int.self)
                deleted = try values.decode(Int.self)
                inserted = try values.decode(String.self)
            }
        }

        var endContent: String
        var txns: [Transaction]
    }

    private func load(_ name: String) throws -> File {
        let here = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        let root = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let gzip = Process(), pipe = Pipe()
        gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        gzip.arguments = ["gzip", "-dc", root.appendingPathComponent("Benchmarks/Traces/\(name).json.gz").path]
        gzip.standardOutput = pipe
        try gzip.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        gzip.waitUntilExit()
        return try JSONDecoder().decode(File.self, from: data)
    }

    @Test(
        "of one writer end on their text, and every version on the way can be looked at",
        arguments: Soak.isOn ? ["sveltecomponent", "rustcode", "automerge-paper", "friendsforever_flat"] : ["sveltecomponent"])
    func sequential(name: String) throws {
        let trace = try load(name)
        var random = TestRandom(seed: 1)
        let document = Document(origin: OriginID(rawValue: 1))
        let chosen = Set((0..<Soak.count(4, soak: 100)).map { _ in random.below(trace.txns.count) })
        var looks: [(CausalContext, String)] = []
        for (index, transaction) in trace.txns.enumerated() {
            document.change { change in
                for patch in transaction.patches {
                    change.text("t").replace(patch.position..<patch.position + patch.deleted, in: .scalars, with: patch.inserted)
                }
            }
            if chosen.contains(index) { looks.append((document.version, document.text("t").string)) }
        }
        #expect(document.text("t").string == trace.endContent)
        for (version, text) in looks { #expect(try document.at(version).text("t").string == text) }
        let read = Document(origin: OriginID(rawValue: 2))
        try read.merge(document.history())
        #expect(read.text("t").string == trace.endContent)
    }

    @Test("of two writers end on their text, followed in the order of the file and read back whole")
    func concurrent() throws {
        let trace = try load("friendsforever")
        let follower = Document(origin: OriginID(rawValue: 9))
        var last: [Dot] = []
        var sequences: [UInt64] = [0, 0]
        for transaction in trace.txns {
            var batch = ChangeBatch()
            batch.origins = [OriginID(rawValue: 1), OriginID(rawValue: 2)]
            batch.containers = [ChangeBatch.Container(parent: ContainerTable.root, key: "t", kind: .text, depth: 1)]
            let writer = transaction.agent!
            for parent in transaction.parents! where last[parent].origin != batch.origins[writer] {
                batch.parents.append(
                    ChangeBatch.Parent(origin: UInt32(last[parent].origin.rawValue - 1), sequence: UInt32(last[parent].sequence - 1)))
            }
            var count = 0
            for patch in transaction.patches {
                if patch.deleted > 0 {
                    batch.operations.append(
                        ChangeBatch.Operation(
                            container: 0, kind: .deletion, count: UInt32(patch.deleted), position: UInt32(patch.position), content: 0,
                            contentCount: 0))
                }
                let bytes = Array(patch.inserted.utf8)
                if !bytes.isEmpty {
                    batch.operations.append(
                        ChangeBatch.Operation(
                            container: 0, kind: .insertion, count: UInt32(patch.inserted.unicodeScalars.count),
                            position: UInt32(patch.position), content: UInt32(batch.bytes.count), contentCount: UInt32(bytes.count)))
                    bytes.withUnsafeBufferPointer { batch.bytes.append(contentsOf: $0) }
                }
                count += patch.deleted + patch.inserted.unicodeScalars.count
            }
            batch.runs.append(
                ChangeBatch.Run(
                    origin: UInt32(writer), sequence: UInt32(sequences[writer]), count: UInt32(count), parents: 0,
                    parentCount: UInt32(batch.parents.count), operations: 0, operationCount: UInt32(batch.operations.count)))
            sequences[writer] += UInt64(count)
            last.append(Dot(origin: OriginID(rawValue: UInt64(writer) + 1), sequence: sequences[writer]))
            #expect(try follower.apply(batch).missing == nil)
        }
        #expect(follower.text("t").string == trace.endContent)
        let read = Document(origin: OriginID(rawValue: 8))
        try read.merge(follower.history())
        #expect(read.text("t").string == trace.endContent)
    }
}
