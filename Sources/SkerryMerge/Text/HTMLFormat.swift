/// A text diff as a fragment of HTML: `pre` with a `span` for each hunk's head, `del` and `ins` around lines taken out and put in.
///
/// Everything from the texts is escaped; bytes that are not UTF-8 come out as replacement characters. Classes are `diff`, `hunk`.
public struct HTMLFormat: Sendable, Hashable {
    /// Unchanged lines shown around a hunk.
    public var context: Int

    public init(context: Int = 3) {
        self.context = max(0, context)
    }

    public func render(_ diff: Diff, from source: TextLines, to target: TextLines) -> String {
        let unified = UnifiedFormat(context: context, hasHeadings: false).render(diff, from: source, to: target)
        var html = "<pre class=\"diff\">"
        for line in TextLines(unified) {
            let text = HTMLFormat.escaped(line.last == 0x0A ? line.dropLast() : line)
            switch line.first {
            case UInt8(ascii: "-"): html += "<del>\(text)</del>\n"
            case UInt8(ascii: "+"): html += "<ins>\(text)</ins>\n"
            case UInt8(ascii: "@"): html += "<span class=\"hunk\">\(text)</span>\n"
            default: html += text + "\n"
            }
        }
        return html + "</pre>\n"
    }

    static func escaped(_ bytes: ArraySlice<UInt8>) -> String {
        var text = ""
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
