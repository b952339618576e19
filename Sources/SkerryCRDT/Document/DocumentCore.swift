/// Everything a document is, without its lock.
struct DocumentCore: ~Copyable, Sendable {
    /// Which container the events from a version on belong to.
    struct Owner: BitwiseCopyable, Sendable {
        var version: UInt32
        var container: UInt32
    }

    let origin: OriginID
    let originNumber: UInt32

    var graph = EventGraph()
    var containers = ContainerTable()
    var owners = RawArray<Owner>()
    var texts = OwnedArray<TextState>()

    /// Brings the chunks with the events of the base, when something asks for them.
    var historySource: (@Sendable () throws(DocumentError) -> [UInt8])?
    /// True while those are read: the state knows them already.
    var isRestoring = false

    // Room that is used again and again.
    var scratch = DifferenceScratch()
    var edits = EditBuffer()
    var seen = RawArray<UInt32>(capacity: 8)
    var checkpoint = Checkpoint()
    var journal = Journal()

    /// Counts changes, so that an editor of a finished one is found out.
    var changeSerial: UInt64 = 0
    var isChanging = false

    init(origin: OriginID) {
        self.origin = origin
        originNumber = graph.number(of: origin)
    }

    // MARK: - Containers

    /// The container with a name, made when it is not there.
    @inline(__always)
    mutating func container(_ name: ContainerTable.Name) -> UInt32 {
        if let number = containers.number(of: name) { return number }
        return makeContainer(name)
    }

    @inline(never)
    private mutating func makeContainer(_ name: ContainerTable.Name) -> UInt32 {
        texts.append(TextState())
        return containers.append(name, slot: texts.count - 1)
    }

    @inline(__always)
    mutating func own(_ container: UInt32, from version: Int) {
        if owners.count > 0, owners[owners.count - 1].container == container { return }
        owners.append(Owner(version: UInt32(version), container: container))
    }

    /// The index in `owners` of the container that a version belongs to.
    func owner(of version: Int) -> Int {
        var low = 0, high = owners.count - 1
        if Int(owners[high].version) <= version { return high }
        while low < high {
            let middle = (low + high + 1) / 2
            if Int(owners[middle].version) <= version { low = middle } else { high = middle - 1 }
        }
        return low
    }

    // MARK: - Versions

    /// How much of each origin this replica has, sorted by origin.
    var version: CausalContext {
        var context = CausalContext()
        for (number, origin) in graph.origins.enumerated() where graph.sequences[number] > 0 {
            context.insert(Dot(origin: origin, sequence: UInt64(graph.sequences[number])))
        }
        return context
    }
}
