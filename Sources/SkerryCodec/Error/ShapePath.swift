/// The way from a value to a part of it: `parts[3].etag`.
public struct ShapePath: Hashable, Sendable, CustomStringConvertible {
    /// One level down.
    public enum Step: Hashable, Sendable {
        /// A field of a record, by its wire key.
        case field(String)
        /// An element of a list or tuple, counted from 0.
        case index(Int)
        /// The value of a map entry, by its key as text.
        case key(String)
        /// The payload of a case, by its wire key.
        case variant(String)
    }

    /// From the outside in.
    public var steps: [Step]

    public init(_ steps: [Step] = []) {
        self.steps = steps
    }

    public var description: String {
        var text = ""
        for step in steps {
            switch step {
            case .field(let name): text += text.isEmpty ? name : ".\(name)"
            case .index(let index): text += "[\(index)]"
            case .key(let key): text += "[\"\(key)\"]"
            case .variant(let name): text += text.isEmpty ? name : ".\(name)"
            }
        }
        return text
    }
}
