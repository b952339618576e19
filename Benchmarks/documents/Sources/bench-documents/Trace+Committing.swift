import SkerryCRDT

extension Trace.Transaction {
    /// Makes the changes, as one commit.
    @inline(__always)
    func commit(to document: Document) {
        document.change { change in for step in steps { step.make(in: change) } }
    }

    /// The transaction with its positions inside what the writer sees.
    func clamped(to document: Document) -> Trace.Transaction {
        var result = self
        var length = document.text("t").count(in: .scalars), count = document.list("l").count
        for index in steps.indices {
            switch steps[index].kind {
            case .text:
                result.steps[index].first = min(steps[index].first, length)
                result.steps[index].second = min(steps[index].second, length - result.steps[index].first)
                if steps[index].value.isEmpty, result.steps[index].second == 0 { result.steps[index].value = "x" }
                length += result.steps[index].value.unicodeScalars.count - result.steps[index].second
            case .insert:
                result.steps[index].first = min(steps[index].first, count)
                count += 1
            case .delete where count == 0:
                result.steps[index] = Trace.Step(kind: .insert, first: 0, second: 0, key: "", value: "x")
                count += 1
            case .delete:
                result.steps[index].first = min(steps[index].first, count - 1)
                count -= 1
            default: break
            }
        }
        return result
    }
}

extension Trace.Step {
    @inline(__always)
    func make(in change: Change) {
        if kind == .text {
            change.text("t").replace(first..<first + second, in: .scalars, with: value)
        } else {
            makeValue(in: change)
        }
    }

    private func makeValue(in change: Change) {
        switch kind {
        case .text: break
        case .set: change.map("m")[key] = .string(value)
        case .setNumber: change.map("m")[key] = .int(Int64(first))
        case .remove: change.map("m")[key] = nil
        case .nest:
            let names = key.split(separator: "/")
            var map = change.map("m")
            for name in names.dropLast() { map = map.map(String(name)) }
            map[String(names.last!)] = .string(value)
        case .add: change.counter(key) += Int64(first)
        case .push: change.list("l").append(.string(value))
        case .insert: change.list("l").insert(.string(value), at: first)
        case .delete: change.list("l").remove(at: first)
        case .move: change.list("l").move(from: first, to: second)
        case .replace: change.list("l")[first] = .int(Int64(second))
        }
    }
}
