import SkerrySession

/// Packets from seeds.
enum Packets {
    /// `count` bytes; for a text link they are UTF-8 with characters of all lengths.
    static func packet(_ count: Int, seed: UInt64, _ encoding: LinkTraits.Encoding) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        switch encoding {
        case .binary:
            var bytes: [UInt8] = []
            bytes.reserveCapacity(count + 8)
            while bytes.count < count { withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) } }
            return Array(bytes.prefix(count))
        case .text:
            let characters = ["a", "é", "日", "🐚", "{", "\"", "7", " "].map { Array($0.utf8) }
            var bytes: [UInt8] = []
            while bytes.count < count {
                let character = characters[Int(generator.below(8))]
                bytes += bytes.count + character.count <= count ? character : [UInt8(ascii: "x")]
            }
            return bytes
        }
    }

    /// A small packet that tells its number.
    static func numbered(_ number: Int) -> [UInt8] { Array("packet \(number)".utf8) }
}
