/// One field of a record: its key on the wire, its type, and what people and formats should know about it.
public struct Field: Sendable {
    /// The name on the wire.
    public let key: String
    /// The name in the source.
    public let name: String
    /// One paragraph for people; not part of the digest.
    public let documentation: String
    /// Whether a reader goes on without it: the type has an absent value, or the field has a default.
    public let isOptional: Bool
    /// How XML writes it.
    public let xml: XMLHints

    private let makeShape: @Sendable () -> Shape
    private let makeDefault: (@Sendable () -> Value?)?

    /// The shape of its type, asked for anew each time, which is what lets a type contain itself.
    public var shape: Shape { makeShape() }

    /// What a reader takes when the field is missing, as far as it can be shown; nil when the field has no default.
    public var defaultValue: Value? { makeDefault?() }

    /// A field that is required, unless its type has an absent value, as options do.
    ///
    /// - Parameters:
    ///   - key: the name on the wire.
    ///   - type: the type of the property.
    ///   - name: the name in the source, when it differs.
    ///   - doc: one paragraph for people.
    ///   - xml: how XML writes it.
    public init<T: Shaped>(_ key: String, _ type: T.Type, name: String? = nil, doc: String = "", xml: XMLHints = XMLHints()) {
        self.key = key
        self.name = name ?? key
        documentation = doc
        isOptional = T.absent != nil
        self.xml = xml
        makeShape = { T.shape }
        makeDefault = nil
    }

    /// A field for which `defaultValue` stands in when it is missing.
    public init<T: Shaped>(
        _ key: String, _ type: T.Type, default defaultValue: @autoclosure @escaping @Sendable () -> T, name: String? = nil,
        doc: String = "",
        xml: XMLHints = XMLHints()
    ) {
        self.key = key
        self.name = name ?? key
        documentation = doc
        isOptional = true
        self.xml = xml
        makeShape = { T.shape }
        makeDefault = { try? Value(encoding: defaultValue()) }
    }
}
