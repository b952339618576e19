/// Rows in columns for a terminal; numbers stand to the right.
struct TextTable {
    enum Alignment { case left, right }

    private let alignments: [Alignment]
    private var rows: [[String]]

    init(_ columns: KeyValuePairs<String, Alignment>) {
        alignments = columns.map(\.value)
        rows = [columns.map(\.key)]
    }

    mutating func add(_ cells: String...) { rows.append(cells) }

    var text: String {
        let widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return alignments[column] == .left ? cell + padding : padding + cell
            }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}

/// A count of bytes for people: three digits and a binary unit, `1.46 GiB`; below 1 KiB the exact number.
struct ByteText: CustomStringConvertible {
    let description: String

    init(_ bytes: UInt64) {
        guard bytes >= 1024 else {
            description = "\(bytes) B"
            return
        }
        var value = Double(bytes) / 1024
        var units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][...]
        // 999.5 would be printed with four digits.
        while value >= 999.5, units.count > 1 {
            value /= 1024
            units = units.dropFirst()
        }
        let scale = value < 9.995 ? 100.0 : value < 99.95 ? 10.0 : 1.0
        let rounded = (value * scale).rounded() / scale
        description = (scale == 1 ? "\(Int(rounded))" : "\(rounded)") + " \(units.first ?? "")"
    }
}
