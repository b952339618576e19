import SkerryCodec
import SkerryGossip
import SkerryReplication
import Synchronization

/// How `skerry gossip` talks where it draws no display: lines for people, or lines of JSON for programs.
struct GossipPrinter: Sendable {
    var isJSON: Bool

    func ready(_ view: GossipView, id: MemberID) -> String {
        guard isJSON else { return "skerry: gossip as \(GossipText.shown(view.name)) on \(view.address)\n" }
        return json([
            ("event", .string("ready")), ("id", .string("\(id)")), ("name", .string(view.name)), ("address", .string(view.address)),
        ])
    }

    func change(_ change: GossipChange, _ view: GossipView) -> String {
        switch change {
        case .member(let member):
            if isJSON { return json([("event", .string("member"))] + fields(member, view)) }
            let name = member.name.isEmpty ? "\(member.id)" : GossipText.shown(member.name)
            let state = member.status == .left ? "has left" : "is \(member.status.word)"
            return "\(name) (\(GossipText.shown(member.address))) \(state), incarnation \(member.incarnation)\n"
        case .row(let key, let value, let author):
            if isJSON {
                return json([
                    ("event", .string("board")), ("key", .string(key)), ("value", value.map { .string($0) } ?? .null),
                    ("by", .string(author)),
                ])
            }
            guard let value else { return "\(GossipText.shown(key)) was taken off\n" }
            return "\(GossipText.shown(key)) = \(GossipText.shown(value))\(author.isEmpty ? "" : "  by \(GossipText.shown(author))")\n"
        }
    }

    func stopped(hasLeft: Bool) -> String {
        isJSON ? json([("event", .string("stopped")), ("left", .bool(hasLeft))]) : "skerry: left the cluster\n"
    }

    // MARK: Answers

    func failure(_ message: String) -> String { isJSON ? json([("error", .string(message))]) : message + "\n" }

    func value(_ key: String, _ value: String?) -> String {
        if isJSON { return answer("get", [("key", .string(key)), ("value", value.map { .string($0) } ?? .null)]) }
        return (value.map { GossipText.shown($0) } ?? "\(GossipText.shown(key)) is not on the board") + "\n"
    }

    func set(_ key: String) -> String { isJSON ? answer("set", [("key", .string(key))]) : "" }

    func unset(_ key: String, wasThere: Bool) -> String {
        if isJSON { return answer("unset", [("key", .string(key)), ("was", .bool(wasThere))]) }
        return wasThere ? "" : "\(GossipText.shown(key)) is not on the board\n"
    }

    func keys(_ view: GossipView) -> String {
        if isJSON {
            return answer("keys", [("board", .map(view.rows.map { .init(.string($0.key), .string($0.value)) }))])
        }
        guard !view.rows.isEmpty else { return "the board is empty\n" }
        return view.rows.map { "\(GossipText.shown($0.key)) = \(GossipText.shown($0.value))\n" }.joined()
    }

    func members(_ view: GossipView) -> String {
        if isJSON { return answer("members", [("members", .list(view.members.map { map(fields($0, view)) }))]) }
        var table = TextTable([
            "NAME": .left, "ADDRESS": .left, "STATE": .left, "INC": .right, "HEARD": .right, "ROUND TRIP": .right, "ENTRIES": .right,
        ])
        for member in view.members {
            table.add(
                member.name.isEmpty ? "\(member.id)" : GossipText.shown(member.name), GossipText.shown(member.address), member.status.word,
                "\(member.incarnation)", member.isSelf ? "-" : member.silence.map(GossipText.time) ?? "never",
                member.isSelf ? "-" : member.roundTrip.map(GossipText.time) ?? "?", "\(view.entries(of: member))")
        }
        return table.text
    }

    func digest(_ digest: GossipDigest) -> String {
        if isJSON {
            return answer(
                "digest",
                [
                    ("board", .string(digest.board)), ("entries", Value(integer: digest.entries)),
                    ("origins", Value(integer: digest.origins)),
                ])
        }
        return "\(digest.board), \(digest.entries) entries of \(digest.origins) origins\n"
    }

    func help() -> String {
        isJSON
            ? answer("help", [("lines", .list(GossipLine.helpLines.map { .string($0) }))]) : GossipLine.helpLines.map { $0 + "\n" }.joined()
    }

    // MARK: JSON

    private func fields(_ member: MemberView, _ view: GossipView) -> [(String, Value)] {
        [
            ("id", .string("\(member.id)")), ("name", .string(member.name)), ("address", .string(member.address)),
            ("state", .string(member.status.word)), ("incarnation", Value(integer: member.incarnation)), ("self", .bool(member.isSelf)),
            ("silence", member.silence.map(Self.seconds) ?? .null), ("roundTrip", member.roundTrip.map(Self.seconds) ?? .null),
            ("entries", Value(integer: view.entries(of: member))), ("replicating", .bool(view.linked.contains(member.id))),
        ]
    }

    private static func seconds(_ duration: Duration) -> Value { .double(duration / .seconds(1)) }

    private func answer(_ name: String, _ fields: [(String, Value)]) -> String { json([("answer", .string(name))] + fields) }

    private func map(_ fields: [(String, Value)]) -> Value { .map(fields.map { .init(.string($0.0), $0.1) }) }

    private func json(_ fields: [(String, Value)]) -> String {
        // Texts, whole numbers and finite fractions, all of which JSON has.
        guard let text = try? JSON.text(PlainValue(map(fields))) else { preconditionFailure("JSON cannot write \(fields)") }
        return text + "\n"
    }
}
