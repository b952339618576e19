/// Text of other members on this terminal: whatever they write, it does nothing but stand there.
enum GossipText {
    /// Control characters and those that turn the direction of writing are replaced, and what is too long is cut.
    ///
    /// - Parameter width: characters.
    static func shown(_ text: String, width: Int = .max) -> String {
        var shown = ""
        var count = 0
        for character in text {
            guard count < width else {
                if !shown.isEmpty { shown.removeLast() }
                return shown + "…"
            }
            shown.append(isHarmless(character) ? character : "\u{FFFD}")
            count += 1
        }
        return shown
    }

    private static func isHarmless(_ character: Character) -> Bool {
        character.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
            default: true
            }
        }
    }

    /// A time for people: `310 µs`, `2.1 ms`, `4.3 s`, `12 min`.
    static func time(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let microseconds = max(0, seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
        switch microseconds {
        case ..<1_000: return "\(microseconds) µs"
        case ..<1_000_000: return tenths(microseconds, of: 1_000) + " ms"
        case ..<60_000_000: return tenths(microseconds, of: 1_000_000) + " s"
        case ..<3_600_000_000: return "\(microseconds / 60_000_000) min"
        default: return "\(microseconds / 3_600_000_000) h"
        }
    }

    private static func tenths(_ value: Int64, of unit: Int64) -> String {
        value >= 100 * unit ? "\(value / unit)" : "\(value / unit).\(value % unit * 10 / unit)"
    }
}
