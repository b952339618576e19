/// Builds a page in Prometheus's text format, version 0.0.4.
struct MetricsText {
    enum Kind: String { case counter, gauge, histogram }

    private(set) var text = ""

    /// One value without labels.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: some CustomStringConvertible) {
        family(name, kind, help) { family in family.sample(value) }
    }

    /// A metric with several samples.
    mutating func family(_ name: String, _ kind: Kind, _ help: String, _ body: (inout Family) -> Void) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
        var family = Family(name: name)
        body(&family)
        text += family.text
    }

    /// The samples of one metric.
    struct Family {
        fileprivate let name: String
        fileprivate var text = ""

        fileprivate init(name: String) { self.name = name }

        /// - Parameter suffix: `_bucket`, `_sum`, `_count` of a histogram.
        mutating func sample(_ value: some CustomStringConvertible, suffix: String = "", labels: KeyValuePairs<String, String> = [:]) {
            let list = labels.map { "\($0.key)=\"\(Family.escaped($0.value))\"" }.joined(separator: ",")
            text += "\(name)\(suffix)\(list.isEmpty ? "" : "{\(list)}") \(value)\n"
        }

        private static func escaped(_ value: String) -> String {
            value.reduce(into: "") { text, character in
                switch character {
                case "\\": text += "\\\\"
                case "\"": text += "\\\""
                case "\n": text += "\\n"
                default: text.append(character)
                }
            }
        }
    }
}
