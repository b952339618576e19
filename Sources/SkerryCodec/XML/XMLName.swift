/// A name as it stands in the input, which must outlive it.
struct XMLName: CustomStringConvertible {
    /// With the prefix.
    let bytes: UnsafeRawBufferPointer
    /// Where the colon stands, if there is one.
    let colon: Int?

    /// What stands before the colon; empty when there is none.
    var prefix: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes.prefix(colon ?? 0)) }
    /// What stands behind the colon.
    var local: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes.dropFirst(colon.map { $0 + 1 } ?? 0)) }

    var description: String { String(decoding: bytes.prefix(64), as: UTF8.self) }
}

/// One attribute of a start tag, its value with references resolved.
struct XMLAttribute {
    let name: XMLName
    let value: [UInt8]
    /// The byte of the input where the value begins.
    let offset: Int

    /// `xmlns="…"` or `xmlns:prefix="…"`.
    var declaresNamespace: Bool { (name.prefix.isEmpty ? name.local : name.prefix).elementsEqual("xmlns".utf8) }
}
