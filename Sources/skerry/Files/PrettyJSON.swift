import SkerryCodec

/// JSON for people, in files and from `--json`: two blanks a level, a line break at the end.
enum PrettyJSON {
    static func text<T: Shaped>(_ value: T) -> String {
        // What is written holds texts, whole numbers and finite fractions, all of which JSON has.
        guard let text = try? JSON.text(value, options: .pretty) else { preconditionFailure("JSON cannot write \(value)") }
        return text + "\n"
    }

    static func bytes<T: Shaped>(_ value: T) -> [UInt8] { Array(text(value).utf8) }
}
