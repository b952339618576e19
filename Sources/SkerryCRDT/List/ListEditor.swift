/// A list within an open change; of no use after it.
public struct ListEditor {
    let editor: ContainerEditor

    public var count: Int { editor.core.pointee.lists[editor.open()].count }

    public var values: [DocumentValue] { editor.core.pointee.lists[editor.open()].shown.map { $0.value.value ?? .null } }

    /// The element at an index. Setting it keeps the element and replaces its value, so it merges with a concurrent move.
    ///
    /// - Precondition: the index is that of an element.
    public subscript(index: Int) -> DocumentValue {
        get {
            let slot = editor.open()
            return editor.core.pointee.lists[slot].elements[element(at: index)].value.value ?? .null
        }
        nonmutating set {
            let dot = editor.core.pointee.lists[editor.open()].elements[element(at: index)].dot
            editor.write { stamp in .element(dot, stamp: stamp, value: newValue) }
        }
    }

    /// Inserts a value before an index, at most the count.
    public func insert(_ value: DocumentValue, at index: Int) {
        editor.core.pointee.insert(.value(value), into: editor.container, at: position(index))
    }

    public func append(_ value: DocumentValue) { insert(value, at: count) }

    /// Deletes the element at an index; a concurrent move does not bring it back.
    public func remove(at index: Int) {
        precondition(index >= 0 && index < count, "no element at \(index)")
        editor.core.pointee.remove(from: editor.container, at: position(index))
    }

    /// Moves an element so that it comes to stand at an index of the list without it. Concurrent moves of one element leave it in one place.
    public func move(from index: Int, to target: Int) {
        let slot = editor.open()
        let dot = editor.core.pointee.lists[slot].elements[element(at: index)].dot
        precondition(target >= 0 && target < count, "no place at \(target)")
        if index == target { return }
        if isDefective(.moveIsReinsertion) {
            let value = self[index]
            remove(at: index)
            return insert(value, at: target)
        }
        let position = position(target > index ? target + 1 : target)
        editor.core.pointee.insert(.move(of: dot, stamp: editor.core.pointee.nextStamp()), into: editor.container, at: position)
    }

    private func position(_ index: Int) -> Int {
        let slot = editor.open()
        precondition(index >= 0 && index <= editor.core.pointee.lists[slot].count, "\(index) lies outside the list")
        return editor.core.pointee.lists[slot].order.position(ofShown: index)
    }

    func element(at index: Int) -> Int {
        let slot = editor.open()
        precondition(index >= 0 && index < editor.core.pointee.lists[slot].count, "no element at \(index)")
        let position = editor.core.pointee.lists[slot].order.position(ofShown: index)
        let place = editor.core.pointee.lists[slot].order.slot(at: position)
        return Int(editor.core.pointee.lists[slot].slots[place].element)
    }
}
