/// The containers of a document, by name.
///
/// A container is named by its parent, its key there and its kind, so two replicas that make the same child share it, and nobody has
/// to be told that it exists.
struct ContainerTable: ~Copyable, Sendable {
    static let root = UInt32.max
    /// Containers nest at most this deep.
    static let depthMaximum = 64

    struct Name: Hashable, Sendable {
        /// The number of the container that holds this one, ``root`` for none.
        var parent: UInt32
        var key: String
        var kind: ContainerKind
    }

    private(set) var names: [Name] = []
    /// By container: its index among those of its kind: texts, lists, or the rest.
    private(set) var slots = RawArray<UInt32>()
    private(set) var kinds = RawArray<UInt8>()
    private var numbers: [Name: UInt32] = [:]
    /// The name asked for last: an editor asks for one text again and again.
    private var recentName = Name(parent: ContainerTable.root, key: "", kind: .text)
    private var recent = UInt32.max

    init() {}

    var count: Int { names.count }

    @inline(__always)
    func slot(of container: UInt32) -> Int { Int(slots[Int(container)]) }

    @inline(__always)
    func kind(of container: UInt32) -> ContainerKind { ContainerKind(rawValue: kinds[Int(container)])! }

    @inline(__always)
    mutating func number(of name: Name) -> UInt32? {
        if recent != .max, recentName == name { return recent }
        guard let number = numbers[name] else { return nil }
        recentName = name
        recent = number
        return number
    }

    mutating func append(_ name: Name, slot: Int) -> UInt32 {
        let number = UInt32(names.count)
        names.append(name)
        numbers[name] = number
        slots.append(UInt32(slot))
        kinds.append(name.kind.rawValue)
        return number
    }

    mutating func truncate(to count: Int) {
        for name in names[count...] { numbers[name] = nil }
        names.removeSubrange(count...)
        slots.truncate(to: count)
        kinds.truncate(to: count)
        recent = .max
    }
}
