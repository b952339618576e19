extension Shape {
    /// The shape as text for people: the type on one line, then each named type it reaches with its fields or cases.
    ///
    /// ```
    /// [Part]
    ///
    /// Part: one part of an upload
    ///   number    int64
    ///   etag      string     the digest in hexadecimal
    ///   checksum  string?    optional
    /// ```
    public func rendered() -> String {
        let types = NamedTypes([self])
        return ([title(types)] + types.list.map { $0.shape.section($0.title, types) }).joined(separator: "\n\n") + "\n"
    }

    private func title(_ types: NamedTypes) -> String {
        if let title = types.title(of: self) { return title }
        switch self {
        case .option(let wrapped): return "\(wrapped.title(types))?"
        case .list(let element): return "[\(element.title(types))]"
        case .set(let element): return "Set<\(element.title(types))>"
        case .map(let key, let value): return "[\(key.title(types)): \(value.title(types))]"
        case .reference(.sender(let element)): return "Sender<\(element.title(types))>"
        case .reference(.receiver(let element)): return "Receiver<\(element.title(types))>"
        default: return name
        }
    }

    private func section(_ title: String, _ types: NamedTypes) -> String {
        switch self {
        case .record(let fields):
            let rows = fields.list.map { field in
                (field.key, field.shape.title(types), Self.remarks(field))
            }
            return Self.head(title, fields.documentation) + Self.table(rows)
        case .variant(let cases):
            let rows = cases.list.map { item in ("." + item.key, item.payload?.title(types) ?? "", item.documentation) }
            return Self.head(title, cases.documentation) + Self.table(rows)
        case .alias(let alias):
            let values = alias.values.map { value -> String in
                switch value {
                case .string(let text): text
                case .int(let number): String(number)
                default: "\(value)"
                }
            }
            let choice = values.isEmpty ? "" : ", one of " + values.joined(separator: " ")
            return Self.head(title, alias.documentation) + "\n  " + alias.carrier.title(types) + choice
        default: return title
        }
    }

    private static func remarks(_ field: Field) -> String {
        guard field.isOptional else { return field.documentation }
        return field.documentation.isEmpty ? "optional" : "optional; " + field.documentation
    }

    private static func head(_ title: String, _ documentation: String) -> String {
        documentation.isEmpty ? title : "\(title): \(documentation)"
    }

    private static func table(_ rows: [(String, String, String)]) -> String {
        let first = rows.map(\.0.count).max() ?? 0
        let second = rows.map(\.1.count).max() ?? 0
        return rows.map { row in
            let line = "\n  " + row.0.padded(first) + "  " + row.1.padded(second) + "  " + row.2
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined()
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
