/// One case of a variant.
public struct Case: Sendable {
    /// The name on the wire.
    public let key: String
    /// The name in the source.
    public let name: String
    /// One paragraph for people; not part of the digest.
    public let documentation: String
    /// Whether it carries something.
    public let hasPayload: Bool

    /// The labelled values, if it carries such.
    let fields: Fields?

    private let makePayload: @Sendable () -> Shape?

    /// What it carries: nothing, one value, or a record of its labelled values.
    public var payload: Shape? { makePayload() }

    /// A case that carries nothing.
    public init(_ key: String, name: String? = nil, doc: String = "") {
        self.init(key, name: name, doc: doc, hasPayload: false) { nil }
    }

    /// A case that carries one value.
    public init<T: Shaped>(_ key: String, _ type: T.Type, name: String? = nil, doc: String = "") {
        self.init(key, name: name, doc: doc, hasPayload: true) { T.shape }
    }

    /// A case that carries several values, or one with a label that matters.
    public init(_ key: String, _ fields: Fields, name: String? = nil, doc: String = "") {
        let fields = Fields(fields, of: key)
        self.init(key, name: name, doc: doc, hasPayload: true, fields: fields) { .record(fields) }
    }

    private init(
        _ key: String, name: String?, doc: String, hasPayload: Bool, fields: Fields? = nil, makePayload: @escaping @Sendable () -> Shape?
    ) {
        self.key = key
        self.name = name ?? key
        documentation = doc
        self.hasPayload = hasPayload
        self.fields = fields
        self.makePayload = makePayload
    }
}
