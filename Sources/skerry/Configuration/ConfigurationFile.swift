import Configuration

/// The configuration file: one JSON object whose members are named as ``Setting/fileKey`` says.
///
/// ```json
/// { "data": "/srv/skerry", "listen": "0.0.0.0:9000", "domain": ["s3.example.org"], "logLevel": "notice" }
/// ```
enum ConfigurationFile {
    /// Bytes; a larger file is not a configuration of ours.
    static let sizeMaximum = 1 << 20

    /// The settings in the file at `path`.
    ///
    /// - Throws: One line that names the file and what is wrong in it: unreadable, not JSON, an unknown key, a value of the wrong kind.
    static func provider(path: String) throws(CommandFailure) -> InMemoryProvider {
        let bytes: [UInt8]
        do {
            bytes = try FileAccess.read(path, limit: sizeMaximum)
        } catch {
            throw CommandFailure("cannot read the configuration file \(path): \(error.reason)")
        }
        return try provider(bytes, path: path)
    }

    /// The settings in `bytes`; `path` is for messages.
    static func provider(_ bytes: [UInt8], path: String) throws(CommandFailure) -> InMemoryProvider {
        let members = try members(bytes, path: path)
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for member in members {
            guard let setting = Setting(rawValue: member.name) else {
                let known = Setting.allCases.map(\.fileKey).joined(separator: ", ")
                throw CommandFailure("\(path): unknown key \"\(member.name)\"; the keys are \(known)")
            }
            guard let text = text(member.value) else {
                throw CommandFailure("\(path): the value of \"\(member.name)\" must be a text, a number, true, false or a list of texts")
            }
            let previous = values.updateValue(ConfigValue(.string(text), isSecret: false), forKey: [setting.fileKey])
            guard previous == nil else { throw CommandFailure("\(path): \"\(member.name)\" stands there twice") }
        }
        return InMemoryProvider(name: path, values: values)
    }

    private static func members(_ bytes: [UInt8], path: String) throws(CommandFailure) -> [JSONValue.Member] {
        do {
            guard case .object(let members) = try JSONParser.parse(bytes) else {
                throw CommandFailure("\(path): a configuration file is one JSON object")
            }
            return members
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure("\(path): not JSON: \(error)")
        }
    }

    /// The value as a flag would give it; nil where no flag could.
    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): return text
        case .number(let text): return text
        case .bool(let value): return "\(value)"
        case .array(let elements):
            let texts = elements.compactMap(\.string)
            return texts.count == elements.count ? texts.joined(separator: ",") : nil
        case .null, .object: return nil
        }
    }
}
