import SkerryCRDT

/// Everything the documents of the checks say, as plain values.
struct Plain: Equatable {
    /// An element of a list: a value, or what the container says that it is.
    enum Item: Equatable {
        case value(DocumentValue)
        case text([TextRun])
        case list([Item])

        static func == (left: Item, right: Item) -> Bool {
            switch (left, right) {
            case (.value(let left), .value(let right)): left == right
            case (.text(let left), .text(let right)): left.isSame(as: right)
            case (.list(let left), .list(let right)): left == right
            default: false
            }
        }
    }

    var texts: [[TextRun]]
    var lists: [[Item]]
    /// Two maps and two registers: by key, every value that stands.
    var keys: [[String: [DocumentValue]]]
    var counters: [Int64]
    var sets: [Set<DocumentValue>]

    init(_ document: Document) {
        let map = document.map("m"), nested = map.map("n")
        texts = [document.text("t").runs, nested.text("t").runs]
        lists = [Self.items(document.list("l")), Self.items(nested.list("l"))]
        keys = [map, nested].map { map in Dictionary(uniqueKeysWithValues: map.keys.map { ($0, map.values($0)) }) }
        keys += [document.register("r"), nested.register(of: "r")].map { $0.value == nil ? [:] : ["": $0.values] }
        counters = [document.counter("c").value, nested.counter("c").value]
        sets = [document.set("s").members, nested.set("s").members]
    }

    private static func items(_ list: ListView) -> [Item] {
        list.values.enumerated().map { index, value in
            switch value {
            case .container(.text): list.text(at: index).map { .text($0.runs) } ?? .value(value)
            case .container(.list): list.list(at: index).map { .list(items($0)) } ?? .value(value)
            default: .value(value)
            }
        }
    }

    init(_ model: inout ModelReplica) {
        texts = [model.runs(0), model.runs(1)]
        lists = [model.items(0), model.items(1)]
        keys = model.keys.map { keys in
            keys.compactMapValues { writes in writes.first?.value == nil ? nil : writes.compactMap(\.value) }
        }
        counters = model.counters
        sets = [model.members(0), model.members(1)]
    }

    static func == (left: Plain, right: Plain) -> Bool {
        left.texts.elementsEqual(right.texts) { $0.isSame(as: $1) } && left.lists == right.lists && left.keys == right.keys
            && left.counters == right.counters && left.sets == right.sets
    }
}
