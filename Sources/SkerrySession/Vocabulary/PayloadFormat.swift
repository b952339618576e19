/// How the value in a frame is encoded. The core carries values and never looks into them.
@frozen
public enum PayloadFormat: UInt8, Sendable, Hashable, CaseIterable {
    /// No value.
    case none
    /// Positional; only where the peer confirmed an equal digest.
    case bin
    /// Self-describing.
    case cbor
    /// JSON text; the only one in text packets, where it stands as it is.
    case json
}
