import SkerryCSP
import Testing

@Suite struct ChannelTests {
    @Test("elements come out once, in order, and then the end")
    func order() async throws {
        let (sender, receiver) = Channel<Int>(.buffer(2)).halves
        async let received = {
            var all: [Int] = []
            for try await number in receiver { all.append(number) }
            return all
        }()
        for number in 0..<100 { try await sender.send(number) }
        sender.close()
        #expect(try await received == Array(0..<100))
    }
}
