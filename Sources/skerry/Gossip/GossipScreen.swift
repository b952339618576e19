import SkerryGossip
import SkerryReplication

/// The live display, as text: one view in, the lines of a terminal out.
struct GossipScreen: Sendable {
    var columns: Int
    var rows: Int
    var isColoured: Bool

    /// Lines of answers that stay above the prompt.
    static let answersMaximum = 8

    private enum Style: String {
        case plain = "", bold = "1", dim = "2", red = "31", green = "32", yellow = "33"
    }

    /// - Parameters:
    ///   - answers: to what was typed, the latest last.
    ///   - input: what is being typed.
    /// - Returns: at most ``rows`` lines; the last is the prompt.
    func lines(_ view: GossipView, answers: [String], input: String) -> [String] {
        let shown = answers.suffix(Self.answersMaximum)
        // The prompt, a blank line above it, and the answers.
        let room = max(1, rows - 2 - shown.count)
        var lines = head(view) + members(view, maximum: max(3, (room - 4) * 2 / 3))
        lines += board(view, maximum: max(0, room - lines.count - 3))
        lines = Array(lines.prefix(room))
        lines.append("")
        lines += shown.map { styled(cut($0), .dim) }
        lines.append(prompt(input))
        return Array(lines.suffix(max(1, rows)))
    }

    private func head(_ view: GossipView) -> [String] {
        var counts = ["\(view.count(.alive)) alive"]
        for status in [MemberStatus.suspect, .dead, .left] where view.count(status) > 0 {
            counts.append("\(view.count(status)) \(status.word)")
        }
        let title = "skerry gossip  \(GossipText.shown(view.name, width: 32))  \(view.address)  \(counts.joined(separator: ", "))"
        var lines = [styled(cut(title), .bold)]
        for address in view.unreached { lines.append(styled(cut(address), .yellow)) }
        return lines + [""]
    }

    // MARK: Members

    private func members(_ view: GossipView, maximum: Int) -> [String] {
        var cells = [["", "NAME", "ADDRESS", "STATE", "INC", "HEARD", "ROUND TRIP", "ENTRIES"]]
        var styles = [Style.dim]
        let hidden = view.members.count - maximum
        for member in view.members.prefix(maximum) {
            cells.append([
                member.isSelf ? "*" : view.linked.contains(member.id) ? "=" : " ",
                GossipText.shown(member.name.isEmpty ? member.id.description : member.name, width: 20),
                GossipText.shown(member.address, width: 40), member.status.word, "\(member.incarnation)",
                member.isSelf ? "-" : member.silence.map(GossipText.time) ?? "never",
                member.isSelf ? "-" : member.roundTrip.map(GossipText.time) ?? "?", "\(view.entries(of: member))",
            ])
            styles.append(style(of: member.status))
        }
        var lines = table(cells, styles, right: [4, 5, 6, 7])
        if hidden > 0 { lines.append(styled("  and \(hidden) more", .dim)) }
        return lines
    }

    private func style(of status: MemberStatus) -> Style {
        switch status {
        case .alive: .green
        case .suspect: .yellow
        case .dead: .red
        case .left: .dim
        }
    }

    // MARK: Board

    private func board(_ view: GossipView, maximum: Int) -> [String] {
        guard maximum > 0 else { return [] }
        guard !view.rows.isEmpty else { return ["", styled("  The board is empty: set KEY VALUE", .dim)] }
        var cells = [["", "KEY", "VALUE", "BY"]]
        for row in view.rows.prefix(maximum) {
            cells.append([
                "", GossipText.shown(row.key, width: 24), GossipText.shown(row.value, width: 60), GossipText.shown(row.author, width: 20),
            ])
        }
        var lines = [""] + table(cells, [.dim] + Array(repeating: .plain, count: cells.count - 1), right: [])
        if view.rows.count > maximum { lines.append(styled("  and \(view.rows.count - maximum) more", .dim)) }
        return lines
    }

    // MARK: Text

    private func prompt(_ input: String) -> String {
        // The end of a long line is where one types.
        let room = max(1, columns - 3)
        let tail = input.count > room ? "…" + input.suffix(room - 1) : input
        return styled("> ", .bold) + GossipText.shown(tail)
    }

    private func table(_ cells: [[String]], _ styles: [Style], right: Set<Int>) -> [String] {
        guard let first = cells.first else { return [] }
        let widths = first.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        return zip(cells, styles).map { row, style in
            var line = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return right.contains(column) ? padding + cell : cell + padding
            }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return styled(cut(line), style)
        }
    }

    private func cut(_ line: String) -> String { GossipText.shown(line, width: max(1, columns - 1)) }

    private func styled(_ text: String, _ style: Style) -> String {
        isColoured && style != .plain && !text.isEmpty ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }
}
