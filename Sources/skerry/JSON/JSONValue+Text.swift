extension JSONValue: CustomStringConvertible {
    /// The value on one line, without blanks.
    var description: String {
        var text = ""
        write(into: &text, indentation: nil)
        return text
    }

    /// The value over several lines, two blanks for each level.
    var indented: String {
        var text = ""
        write(into: &text, indentation: 0)
        return text
    }

    private func write(into text: inout String, indentation: Int?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let number): text += number
        case .string(let string): JSONValue.write(string, into: &text)
        case .array(let elements):
            JSONValue.write(elements, between: ("[", "]"), into: &text, indentation) { element, text, inner in
                element.write(into: &text, indentation: inner)
            }
        case .object(let members):
            JSONValue.write(members, between: ("{", "}"), into: &text, indentation) { member, text, inner in
                JSONValue.write(member.name, into: &text)
                text += inner == nil ? ":" : ": "
                member.value.write(into: &text, indentation: inner)
            }
        }
    }

    private static func write<Element>(
        _ elements: [Element], between brackets: (String, String), into text: inout String, _ indentation: Int?,
        _ writeElement: (Element, inout String, Int?) -> Void
    ) {
        text += brackets.0
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            breakLine(indentation.map { $0 + 1 }, into: &text)
            writeElement(element, &text, indentation.map { $0 + 1 })
        }
        if !elements.isEmpty { breakLine(indentation, into: &text) }
        text += brackets.1
    }

    private static func breakLine(_ indentation: Int?, into text: inout String) {
        guard let indentation else { return }
        text += "\n" + String(repeating: "  ", count: indentation)
    }

    private static func write(_ string: String, into text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
