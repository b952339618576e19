import SkerryCRDT

/// What a document says at a version, as a look at the past can read it.
struct Past: Equatable {
    var version: CausalContext
    var texts: [[TextRun]]
    var lists: [[DocumentValue]]
    var keys: [[String: [DocumentValue]]]
    var counters: [Int64]
    var members: Set<DocumentValue>

    init(_ document: Document) {
        let map = document.map("m")
        self.init(
            version: document.version, text: document.text("t"), list: document.list("l"), map: map, counter: document.counter("c"),
            set: document.set("s"))
    }

    init(_ view: DocumentView) {
        self.init(
            version: view.version, text: view.text("t"), list: view.list("l"), map: view.map("m"), counter: view.counter("c"),
            set: view.set("s"))
    }

    private init(version: CausalContext, text: TextView, list: ListView, map: MapView, counter: CounterView, set: SetView) {
        let nested = map.map("n")
        self.version = version
        texts = [text.runs, nested.text("t").runs]
        lists = [list.values, nested.list("l").values]
        keys = [map, nested].map { map in Dictionary(uniqueKeysWithValues: map.keys.map { ($0, map.values($0)) }) }
        counters = [counter.value, nested.counter("c").value]
        members = set.members
    }
}
