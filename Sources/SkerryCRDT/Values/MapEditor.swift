/// A map within an open change; of no use after it.
public struct MapEditor {
    let editor: ContainerEditor

    /// The value of a key: the winner among concurrent writes. Setting it replaces every write seen so far; nil removes the key.
    public subscript(key: String) -> DocumentValue? {
        get { register(key)?.value }
        nonmutating set { editor.write { stamp in .write(key: key, stamp: stamp, value: newValue) } }
    }

    /// All values that concurrent writes left, the winner first.
    public func values(_ key: String) -> [DocumentValue] { register(key)?.values ?? [] }

    /// The keys with a value, sorted.
    public var keys: [String] { editor.core.pointee.values[editor.open()].keys }

    /// The containers named by a key here; two replicas that make the same one share it.
    public func text(_ key: String) -> TextEditor { TextEditor(editor: editor.child(key, .text)) }
    public func list(_ key: String) -> ListEditor { ListEditor(editor: editor.child(key, .list)) }
    public func map(_ key: String) -> MapEditor { MapEditor(editor: editor.child(key, .map)) }
    public func counter(_ key: String) -> CounterEditor { CounterEditor(editor: editor.child(key, .counter)) }
    public func set(_ key: String) -> SetEditor { SetEditor(editor: editor.child(key, .set)) }
    public func register(of key: String) -> RegisterEditor { RegisterEditor(editor: editor.child(key, .register)) }

    private func register(_ key: String) -> MultiValue? { editor.core.pointee.values[editor.open()].registers[key] }
}

/// A register within an open change; of no use after it.
public struct RegisterEditor {
    let editor: ContainerEditor

    /// The winner among concurrent writes. Setting it replaces every write seen so far.
    public var value: DocumentValue? {
        get { editor.core.pointee.values[editor.open()].registers[""]?.value }
        nonmutating set { editor.write { stamp in .write(key: "", stamp: stamp, value: newValue) } }
    }

    /// All values that concurrent writes left, the winner first.
    public var values: [DocumentValue] { editor.core.pointee.values[editor.open()].registers[""]?.values ?? [] }
}

/// A counter within an open change; of no use after it.
public struct CounterEditor {
    let editor: ContainerEditor

    /// The sum of what every replica added, modulo 2⁶⁴.
    public var value: Int64 { editor.core.pointee.values[editor.open()].sum }

    public static func += (left: CounterEditor, right: Int64) {
        if right != 0 { left.editor.write { _ in .add(right) } }
    }

    public static func -= (left: CounterEditor, right: Int64) { left += 0 &- right }
}

/// A set within an open change; of no use after it.
public struct SetEditor {
    let editor: ContainerEditor

    public func contains(_ member: DocumentValue) -> Bool { length(member) % 2 == 1 }

    /// Adds a member. Adding one that is there keeps it against removals that have not seen this.
    public func insert(_ member: DocumentValue) {
        let length = length(member)
        if isDefective(.addLosesToRemove), length % 2 == 1 { return }
        editor.write { _ in .member(member, length: length + (length % 2 == 0 ? 1 : 2)) }
    }

    /// Removes a member; an addition that has not seen this wins.
    public func remove(_ member: DocumentValue) {
        let length = length(member)
        if length % 2 == 1 { editor.write { _ in .member(member, length: length + 1) } }
    }

    public var members: Set<DocumentValue> { editor.core.pointee.values[editor.open()].members }

    private func length(_ member: DocumentValue) -> UInt64 { editor.core.pointee.values[editor.open()].lengths[member] ?? 0 }
}

extension ValueState {
    /// The keys with a value, sorted by their bytes.
    var keys: [String] {
        let keys = zip(registers.keys, registers.registers).compactMap { $1.value == nil ? nil : $0 }
        return ByteOrder.indices(of: keys).map { keys[$0] }
    }

    var members: Set<DocumentValue> { Set(lengths.filter { $0.value % 2 == 1 }.keys) }
}
