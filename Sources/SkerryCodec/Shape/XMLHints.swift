/// How XML writes a field or a record; the other formats do not look at it.
public struct XMLHints: Hashable, Sendable {
    /// An attribute of the record's element rather than an element in it.
    public var isAttribute: Bool
    /// The text of the record's element rather than an element in it.
    public var isText: Bool
    /// A list whose elements stand in the record itself, each under the field's key: `<Part/><Part/>`.
    public var isFlattened: Bool
    /// The element name of each element of a list that is not flattened; `member` when nil.
    public var element: String?
    /// The namespace of the element, by its URI.
    public var namespace: String?

    public init(
        isAttribute: Bool = false, isText: Bool = false, isFlattened: Bool = false, element: String? = nil, namespace: String? = nil
    ) {
        self.isAttribute = isAttribute
        self.isText = isText
        self.isFlattened = isFlattened
        self.element = element
        self.namespace = namespace
    }

    /// `<Part number="3">`
    public static let attribute = XMLHints(isAttribute: true)
    /// `<Grant>text</Grant>`
    public static let text = XMLHints(isText: true)
    /// `<Part/><Part/>`
    public static let flattened = XMLHints(isFlattened: true)
}
