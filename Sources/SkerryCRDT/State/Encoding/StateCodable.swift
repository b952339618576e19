/// What states are made of in bytes; see `docs/formats/state.md`.
///
/// An encoding is canonical: equal values have equal bytes, and bytes that are not what `encode` would have written are refused.
public protocol StateCodable: Sendable, Equatable {
    /// Names the type in front of the bytes, so that bytes of another type are told apart from damaged ones. Codes from 0x80 up are free
    /// for an
    /// application's own types.
    static var stateType: [UInt8] { get }

    func encode(to writer: inout StateWriter)

    /// Reads what ``encode(to:)`` wrote, from untrusted bytes.
    ///
    /// - Throws: ``DocumentError`` with `corrupt` or `limitExceeded`.
    init(from reader: inout StateReader) throws(DocumentError)
}

extension StateCodable {
    /// The state with magic, version, type and checksum around it, to store or to send. O(n).
    public func encoded() -> [UInt8] {
        var body = StateWriter()
        body.append(Self.stateType)
        encode(to: &body)
        return StateFrame.wrap(body.bytes)
    }

    /// Reads what ``encoded()`` wrote, from untrusted bytes. O(n); what is allocated is in proportion to the bytes.
    ///
    /// - Throws: ``DocumentError``: `corrupt` for damaged bytes, `unsupportedVersion` for those of a newer release, `mismatch` for a state
    ///   of another type,
    ///   `limitExceeded` above ``StateReader/bytesMaximum`` or ``StateReader/elementsMaximum``.
    public init(decoding bytes: [UInt8]) throws(DocumentError) {
        var result: Result<Self, DocumentError>?
        bytes.withUnsafeBufferPointer { bytes in
            do throws(DocumentError) { result = .success(try Self.decode(bytes)) } catch { result = .failure(error) }
        }
        self = try result!.get()
    }

    private static func decode(_ bytes: UnsafeBufferPointer<UInt8>) throws(DocumentError) -> Self {
        var reader = StateReader(try StateFrame.unwrap(bytes))
        for byte in stateType {
            guard try reader.byte() == byte else { throw DocumentError(code: .mismatch, message: "a state of another type") }
        }
        let value = try Self(from: &reader)
        guard reader.bytes.isAtEnd else { throw reader.damaged("bytes are left over") }
        return value
    }
}
