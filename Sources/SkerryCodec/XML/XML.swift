/// XML 1.0 in UTF-8, strict: no document type definitions, no entities but XML's own, one root element.
///
/// A record is an element with an element for each field, a list an element with a `member` for each of its own; ``XMLHints`` turn fields
/// into attributes or text, flatten lists and name namespaces, which is how S3 writes its bodies. `docs/formats/xml.md` has the grammar.
/// A flattened list without elements leaves no trace, so such a field wants `[]` as its default.
public enum XML: ShapeFormat {
    public static var name: String { "xml" }

    /// `<?xml version="1.0" encoding="UTF-8"?>` and a line feed.
    public static let declaration = Array("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".utf8)

    /// Appends the root element alone; put ``declaration`` in front where a document is wanted.
    public static func encode<T: Shaped>(_ value: T, into bytes: inout [UInt8], references: (any ReferenceSink)?) throws(ShapeError) {
        try ByteSink.collecting(into: &bytes) { sink throws(ShapeError) in
            var writer = XMLWriter(sink, references: references)
            try writer.beginRoot(T.shape)
            try value.write(to: &writer)
            try writer.closeElement()
            return writer.finish()
        }
    }

    public static func decode<T: Shaped>(
        _ type: T.Type, from bytes: UnsafeRawBufferPointer, limits: DecodingLimits, references: (any ReferenceSource)?
    ) throws(ShapeError) -> T {
        do throws(ShapeError) {
            var reader = XMLReader(bytes, limits: limits, references: references)
            try reader.beginRoot(T.shape)
            let value = try T.read(from: &reader)
            try reader.finish()
            return value
        } catch {
            throw error.located(in: bytes)
        }
    }

    /// The namespace of `xsi:type`, whose customary prefix some readers look for.
    static let instanceNamespace = "http://www.w3.org/2001/XMLSchema-instance"

    /// The element a value of this shape stands in when nothing else names it: the name of the type, as far as it is an XML name;
    /// `Page<Part>` is `Page_Part`.
    static func rootName(of shape: Shape) -> String {
        let name =
            switch shape {
            case .record(let fields): fields.name
            case .variant(let cases): cases.name
            case .alias(let alias): alias.name
            default: "value"
            }
        if XMLScanner.isName(name) { return name }
        let legal = name.split { !XMLScanner.isName("_\($0)") }.joined(separator: "_")
        return XMLScanner.isName(legal) ? legal : "_" + legal
    }

    /// The namespace its root element declares.
    static func namespace(of shape: Shape) -> String? {
        if case .record(let fields) = shape { fields.xml.namespace } else { nil }
    }

    /// Element names that the format itself gives.
    enum Name {
        static let member = "member"
        static let entry = "entry"
        static let key = "key"
        static let value = "value"
        static let some = "some"
        /// The attribute of an element that stands for no value.
        static let null = "nil"
        /// The attribute that holds the index of a reference.
        static let reference = "ref"
    }
}
