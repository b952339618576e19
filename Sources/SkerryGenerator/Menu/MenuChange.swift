/// One difference between two menus, with what it means for peers built before.
package struct MenuChange: Equatable, Sendable, CustomStringConvertible {
    /// Whether peers built before still understand.
    package let isCompatible: Bool
    /// Where: `Arith.sum.v2`, `Part.etag`.
    package let place: String
    /// What changed and why it matters, in one sentence.
    package let reason: String

    package var description: String { "\(isCompatible ? "compatible" : "incompatible"): \(place): \(reason)" }
}

extension Menu {
    /// What changed from `old` to this menu, in the order of their texts.
    ///
    /// Compatible is what an old peer does not notice or can do without: new services, methods, shapes and cases at the end, new members
    /// at the end that may be missing, a requirement dropped. The rules stand in `docs/formats/menu.md`.
    package func changes(since old: Menu) -> [MenuChange] {
        var comparison = MenuComparison()
        comparison.compare(old.services, services)
        comparison.compare(old.shapes, shapes)
        return comparison.changes
    }
}

private struct MenuComparison {
    var changes: [MenuChange] = []

    private mutating func breaks(_ place: String, _ reason: String) {
        changes.append(MenuChange(isCompatible: false, place: place, reason: reason))
    }

    private mutating func adds(_ place: String, _ reason: String) {
        changes.append(MenuChange(isCompatible: true, place: place, reason: reason))
    }

    // MARK: - Services

    mutating func compare(_ old: [Menu.Service], _ new: [Menu.Service]) {
        for former in old {
            guard let service = new.first(where: { $0.name == former.name }) else {
                breaks(former.name, "the service is gone, and peers ask for it by this name")
                continue
            }
            compare(former, service)
        }
        for service in new where !old.contains(where: { $0.name == service.name }) { adds(service.name, "a new service") }
    }

    private mutating func compare(_ old: Menu.Service, _ new: Menu.Service) {
        if new.version < old.version { breaks(old.name, "the version went back from \(old.version) to \(new.version)") }
        if new.version > old.version { adds(old.name, "the version went from \(old.version) to \(new.version)") }
        for error in old.errors where !new.errors.contains(error) {
            breaks("\(old.name).\(error)", "the error no longer crosses as itself, and callers may catch it")
        }
        for error in new.errors where !old.errors.contains(error) { adds("\(old.name).\(error)", "a new error crosses as itself") }
        for former in old.methods {
            guard let method = new.methods.first(where: { $0.name == former.name }) else {
                gone(former, old.name, version: new.version)
                continue
            }
            compare(former, method, "\(old.name).\(former.name)")
        }
        for method in new.methods where !old.methods.contains(where: { $0.name == method.name }) {
            adds("\(old.name).\(method.name)", "a new method")
        }
    }

    private mutating func gone(_ method: Menu.Method, _ service: String, version: Int) {
        let place = "\(service).\(method.name)"
        if let until = method.until, version > until {
            adds(place, "the method ended with version \(until), as announced")
        } else if let until = method.until {
            breaks(place, "the method is gone, and was promised until version \(until); this is version \(version)")
        } else {
            breaks(place, "the method is gone; keep it, if need be under another name with '@Wire', or announce its end by '@Until' first")
        }
    }

    private mutating func compare(_ old: Menu.Method, _ new: Menu.Method, _ place: String) {
        compare(old.arguments, new.arguments, place, what: "argument")
        if old.result != new.result { breaks(place, "the result changed from \(old.result) to \(new.result)") }
        for promise in old.promises where !new.promises.contains(promise) { breaks(place, Self.lost(promise)) }
        for promise in new.promises where !old.promises.contains(promise) {
            if promise == "oneWay" {
                breaks(place, "the method became one-way, and old callers wait for an answer")
            } else {
                adds(place, "the method became \(promise)")
            }
        }
        if let route = old.route, new.route != route {
            breaks(place, "the route changed from '\(route)' to " + (new.route.map { "'\($0)'" } ?? "none"))
        } else if old.route == nil, let route = new.route {
            adds(place, "the method answers to '\(route)' too")
        }
        if old.until != new.until {
            adds(place, new.until.map { "the method ends with version \($0)" } ?? "the method no longer ends")
        }
    }

    private static func lost(_ promise: String) -> String {
        switch promise {
        case "oneWay": "the method is no longer one-way, and old callers do not wait for an answer"
        case "idempotent": "the method is no longer idempotent, and old callers repeat it"
        case "durable": "the method is no longer durable, and old callers repeat it"
        case "readOnly": "the method is no longer read-only, and read-only references lose it"
        default: "the method is no longer '\(promise)'"
        }
    }

    // MARK: - Members

    private mutating func compare(_ old: [Menu.Member], _ new: [Menu.Member], _ place: String, what: String) {
        var isOrdered = true
        for (index, former) in old.enumerated() {
            let place = "\(place).\(former.key)"
            guard let now = new.firstIndex(where: { $0.key == former.key }) else {
                breaks(place, "the \(what) is gone" + Self.renamed(former, at: index, new, old))
                continue
            }
            compare(former, new[now], place, what: what)
            if now != index, isOrdered, new.allSatisfy({ member in old.contains { $0.key == member.key } }) {
                isOrdered = false
                breaks(place, "the \(what) moved from place \(index + 1) to \(now + 1), and places are part of the shape")
            }
        }
        for (index, member) in new.enumerated() where !old.contains(where: { $0.key == member.key }) {
            let place = "\(place).\(member.key)"
            if !member.isOptional {
                breaks(place, "a new \(what) that old peers do not send; make it optional or give it a default")
            } else if new[index...].contains(where: { later in old.contains { $0.key == later.key } }) {
                breaks(place, "a new \(what) stands before older ones; put it at the end")
            } else {
                adds(place, "a new \(what) that may be missing")
            }
        }
    }

    private static func renamed(_ member: Menu.Member, at index: Int, _ new: [Menu.Member], _ old: [Menu.Member]) -> String {
        guard new.indices.contains(index), new[index].type == member.type, !old.contains(where: { $0.key == new[index].key }) else {
            return ""
        }
        return "; if it is '\(new[index].key)' now, keep the old name on the wire"
    }

    private mutating func compare(_ old: Menu.Member, _ new: Menu.Member, _ place: String, what: String) {
        if old.type != new.type { breaks(place, "the type changed from \(old.type) to \(new.type)") }
        if old.isOptional && !new.isOptional { breaks(place, "the \(what) is required now, and old peers may leave it out") }
        if !old.isOptional && new.isOptional && old.type == new.type { adds(place, "the \(what) may be missing now") }
        if old.marks != new.marks {
            breaks(place, "it travels otherwise: \(Self.list(old.marks)) before, \(Self.list(new.marks)) now")
        }
    }

    private static func list(_ marks: [String]) -> String { marks.isEmpty ? "plain" : marks.joined(separator: ", ") }

    // MARK: - Shapes

    mutating func compare(_ old: [Menu.Shape], _ new: [Menu.Shape]) {
        for former in old {
            guard let shape = new.first(where: { $0.name == former.name }) else {
                breaks(former.name, "the shape is gone, and its name is part of the shapes it was used in")
                continue
            }
            compare(former, shape)
        }
        for shape in new where !old.contains(where: { $0.name == shape.name }) { adds(shape.name, "a new shape") }
    }

    private mutating func compare(_ old: Menu.Shape, _ new: Menu.Shape) {
        switch (old.structure, new.structure) {
        case (.record(let former, let oldNamespace), .record(let fields, let namespace)):
            compare(former, fields, old.name, what: "field")
            if oldNamespace != namespace { breaks(old.name, "the namespace changed, so XML reads another element") }
        case (.variant(let former), .variant(let cases)):
            compare(former, cases, old.name)
        case (.raw(let oldType, let former), .raw(let type, let values)):
            if oldType != type { breaks(old.name, "the raw type changed from \(oldType) to \(type)") }
            for value in former where !values.contains(value) { breaks("\(old.name).\(value)", "the value is gone, and old peers send it") }
            for value in values where !former.contains(value) { adds("\(old.name).\(value)", "a new value, which old peers refuse") }
        default:
            breaks(old.name, "the shape changed from \(old.structure.kind) to \(new.structure.kind)")
        }
    }

    private mutating func compare(_ old: [Menu.Case], _ new: [Menu.Case], _ place: String) {
        for (index, former) in old.enumerated() {
            let place = "\(place).\(former.key)"
            guard let now = new.firstIndex(where: { $0.key == former.key }) else {
                breaks(place, "the case is gone, and old peers send it")
                continue
            }
            let isMoved = new[..<now].contains { earlier in !old[..<index].contains { $0.key == earlier.key } }
            if isMoved { breaks(place, "the case moved, and places are part of the shape; put new cases at the end") }
            compare(former, new[now], place)
        }
        for added in new where !old.contains(where: { $0.key == added.key }) {
            adds("\(place).\(added.key)", "a new case, which old peers refuse")
        }
    }

    private mutating func compare(_ old: Menu.Case, _ new: Menu.Case, _ place: String) {
        let isSame = (old.single == nil) == (new.single == nil) && old.values.isEmpty == new.values.isEmpty
        guard isSame, old.single == new.single else {
            breaks(place, "the case carries \(new.carried) now, and \(old.carried) before")
            return
        }
        compare(old.values, new.values, place, what: "value")
    }
}

extension Menu.Structure {
    fileprivate var kind: String {
        switch self {
        case .record: "a record"
        case .variant: "a variant"
        case .raw: "a raw type"
        }
    }
}

extension Menu.Case {
    fileprivate var carried: String { single ?? (values.isEmpty ? "nothing" : "labelled values") }
}
