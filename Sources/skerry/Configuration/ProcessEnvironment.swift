import Glibc

/// The environment of this process, as far as it concerns Skerry.
enum ProcessEnvironment {
    static let prefix = "SKERRY_"

    /// Variables whose name begins with ``prefix``, without empty ones; read once at the start, before there are threads that could change it.
    static var skerry: [String: String] {
        var variables: [String: String] = [:]
        var entry: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = environ
        while let text = entry?.pointee {
            let (name, value) = split(String(cString: text))
            if name.hasPrefix(prefix), !value.isEmpty { variables[String(name)] = String(value) }
            entry = entry?.successor()
        }
        return variables
    }

    private static func split(_ entry: String) -> (Substring, Substring) {
        guard let equals = entry.firstIndex(of: "=") else { return (entry[...], "") }
        return (entry[..<equals], entry[entry.index(after: equals)...])
    }
}
