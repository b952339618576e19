import Configuration
import SkerryCodec

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
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for member in try members(bytes, path: path) {
            guard case .string(let name) = member.key else { continue }
            guard let setting = Setting(rawValue: name) else {
                let known = Setting.allCases.map(\.fileKey).joined(separator: ", ")
                throw CommandFailure("\(path): unknown key \"\(name)\"; the keys are \(known)")
            }
            guard let text = text(member.value) else {
                throw CommandFailure("\(path): the value of \"\(name)\" must be a text, a number, true, false or a list of texts")
            }
            values[[setting.fileKey]] = ConfigValue(.string(text), isSecret: false)
        }
        return InMemoryProvider(name: path, values: values)
    }

    private static func members(_ bytes: [UInt8], path: String) throws(CommandFailure) -> [Value.Entry] {
        let value: Value
        do throws(ShapeError) {
            value = try JSON.decode(Value.self, from: bytes)
        } catch {
            throw CommandFailure("\(path): \(error)")
        }
        guard case .map(let members) = value else { throw CommandFailure("\(path): a configuration file is one JSON object") }
        return members
    }

    /// The value as a flag would give it; nil where no flag could.
    private static func text(_ value: Value) -> String? {
        switch value {
        case .string(let text): return text
        case .int(let number): return "\(number)"
        case .uint(let number): return "\(number)"
        case .double(let number): return "\(number)"
        case .bool(let value): return "\(value)"
        case .list: return (try? value.decode([String].self))?.joined(separator: ",")
        case .null, .map, .bytes, .reference: return nil
        }
    }
}
