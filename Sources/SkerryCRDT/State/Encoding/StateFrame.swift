/// The frame around an encoded state. See `docs/formats/state.md`.
enum StateFrame {
    static let frame = ChecksummedFrame(magic: 0x5453_4B53, version: 1, bodyMaximum: StateReader.bytesMaximum, name: "a state")

    static func wrap(_ body: [UInt8]) -> [UInt8] { body.withUnsafeBufferPointer { frame.wrap($0) } }

    /// The body; its checksum has been verified.
    static func unwrap(_ bytes: UnsafeBufferPointer<UInt8>) throws(DocumentError) -> UnsafeBufferPointer<UInt8> { try frame.unwrap(bytes) }
}
