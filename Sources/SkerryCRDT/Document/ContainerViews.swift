/// A container of a document, for reading; every read takes the document's lock.
struct ContainerView: Sendable {
    let document: Document
    let path: ContainerPath

    /// Reads what is there, or gives `empty` when nobody changed the container yet.
    func read<R: Sendable>(_ empty: R, _ body: (inout DocumentCore, Int) -> R) -> R {
        document.withCore { core in
            guard let container = core.existingContainer(path) else { return empty }
            return body(&core, core.containers.slot(of: container))
        }
    }

    func child(_ key: String, _ kind: ContainerKind) -> ContainerView {
        ContainerView(document: document, path: path.appending(key: key, kind: kind))
    }
}

/// A text of a document, for reading.
public struct TextView: Sendable {
    let view: ContainerView

    /// What it says now.
    public var string: String { view.read("") { core, slot in core.texts[slot].rope.string } }

    /// Its length.
    public func count(in unit: TextUnit = .utf8) -> Int { view.read(0) { core, slot in core.texts[slot].rope.total.count(in: unit) } }

    /// A stretch of it.
    ///
    /// - Precondition: the bounds lie within the text and between scalars.
    public func substring(_ range: Range<Int>, in unit: TextUnit = .utf8) -> String {
        view.read("") { core, slot in
            let scalars = core.texts[slot].scalars(range, in: unit)
            var bytes = RawArray<UInt8>()
            core.texts[slot].rope.copy(at: scalars.lowerBound, count: scalars.count, to: &bytes)
            return String(decoding: bytes.elements, as: UTF8.self)
        }
    }
}

/// A list of a document, for reading.
public struct ListView: Sendable {
    let view: ContainerView

    public var count: Int { view.read(0) { core, slot in core.lists[slot].count } }
    /// The elements; each has the winner among concurrent writes.
    public var values: [DocumentValue] { view.read([]) { core, slot in core.lists[slot].shown.map { $0.value.value ?? .null } } }
}

/// A map of a document, for reading.
public struct MapView: Sendable {
    let view: ContainerView

    /// The winner among concurrent writes.
    public subscript(key: String) -> DocumentValue? { view.read(nil) { core, slot in core.values[slot].registers[key]?.value } }

    /// All values that concurrent writes left, the winner first.
    public func values(_ key: String) -> [DocumentValue] { view.read([]) { core, slot in core.values[slot].registers[key]?.values ?? [] } }

    /// The keys with a value, sorted.
    public var keys: [String] { view.read([]) { core, slot in core.values[slot].keys } }

    public func text(_ key: String) -> TextView { TextView(view: view.child(key, .text)) }
    public func list(_ key: String) -> ListView { ListView(view: view.child(key, .list)) }
    public func map(_ key: String) -> MapView { MapView(view: view.child(key, .map)) }
    public func counter(_ key: String) -> CounterView { CounterView(view: view.child(key, .counter)) }
    public func set(_ key: String) -> SetView { SetView(view: view.child(key, .set)) }
    public func register(of key: String) -> RegisterView { RegisterView(view: view.child(key, .register)) }
}

/// A register of a document, for reading.
public struct RegisterView: Sendable {
    let view: ContainerView

    /// The winner among concurrent writes.
    public var value: DocumentValue? { view.read(nil) { core, slot in core.values[slot].registers[""]?.value } }
    /// All values that concurrent writes left, the winner first.
    public var values: [DocumentValue] { view.read([]) { core, slot in core.values[slot].registers[""]?.values ?? [] } }
}

/// A counter of a document, for reading.
public struct CounterView: Sendable {
    let view: ContainerView

    public var value: Int64 { view.read(0) { core, slot in core.values[slot].sum } }
}

/// A set of a document, for reading.
public struct SetView: Sendable {
    let view: ContainerView

    public var members: Set<DocumentValue> { view.read([]) { core, slot in core.values[slot].members } }
    public func contains(_ member: DocumentValue) -> Bool {
        view.read(false) { core, slot in core.values[slot].lengths[member, default: 0] % 2 == 1 }
    }
}

extension Document {
    public func text(_ name: String) -> TextView { TextView(view: root(name, .text)) }
    public func list(_ name: String) -> ListView { ListView(view: root(name, .list)) }
    public func map(_ name: String) -> MapView { MapView(view: root(name, .map)) }
    public func counter(_ name: String) -> CounterView { CounterView(view: root(name, .counter)) }
    public func set(_ name: String) -> SetView { SetView(view: root(name, .set)) }
    public func register(_ name: String) -> RegisterView { RegisterView(view: root(name, .register)) }

    private func root(_ name: String, _ kind: ContainerKind) -> ContainerView {
        ContainerView(document: self, path: ContainerPath(key: name, kind: kind))
    }
}
