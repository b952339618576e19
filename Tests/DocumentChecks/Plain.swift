import SkerryCRDT

/// Everything the documents of the checks say, as plain values.
struct Plain: Equatable {
    var texts: [String]
    var lists: [[DocumentValue]]
    /// Two maps and two registers: by key, every value that stands.
    var keys: [[String: [DocumentValue]]]
    var counters: [Int64]
    var sets: [Set<DocumentValue>]

    init(_ document: Document) {
        let map = document.map("m"), nested = map.map("n")
        texts = [document.text("t").string, nested.text("t").string]
        lists = [document.list("l").values, nested.list("l").values]
        keys = [map, nested].map { map in Dictionary(uniqueKeysWithValues: map.keys.map { ($0, map.values($0)) }) }
        keys += [document.register("r"), nested.register(of: "r")].map { $0.value == nil ? [:] : ["": $0.values] }
        counters = [document.counter("c").value, nested.counter("c").value]
        sets = [document.set("s").members, nested.set("s").members]
    }

    init(_ model: inout ModelReplica) {
        texts = [model.string(0), model.string(1)]
        lists = [model.values(0), model.values(1)]
        keys = model.keys.map { keys in
            keys.compactMapValues { writes in writes.first?.value == nil ? nil : writes.compactMap(\.value) }
        }
        counters = model.counters
        sets = [model.members(0), model.members(1)]
    }

    /// Texts are compared by their scalars.
    static func == (left: Plain, right: Plain) -> Bool {
        left.texts.elementsEqual(right.texts) { $0.utf8.elementsEqual($1.utf8) } && left.lists == right.lists && left.keys == right.keys
            && left.counters == right.counters && left.sets == right.sets
    }
}
