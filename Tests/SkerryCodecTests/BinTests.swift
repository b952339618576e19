import SkerryCodec
import Testing

@Suite struct BinTests {
    @Test("smoke") func smoke() throws {
        let bytes = try Bin.encode([1, -2, 300])
        #expect(bytes == [3, 2, 3, 0xd8, 4])
        #expect(try Bin.decode([Int].self, from: bytes) == [1, -2, 300])
    }
}
