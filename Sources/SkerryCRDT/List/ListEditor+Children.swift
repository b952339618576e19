/// Elements that are containers: each belongs to its element, moves with it and goes with it.
extension ListEditor {
    /// Inserts an element that is a container of a kind, empty.
    public func insertText(at index: Int) -> TextEditor { TextEditor(editor: insert(.text, at: index)) }
    public func insertList(at index: Int) -> ListEditor { ListEditor(editor: insert(.list, at: index)) }
    public func insertMap(at index: Int) -> MapEditor { MapEditor(editor: insert(.map, at: index)) }

    /// The container that an element is.
    ///
    /// - Precondition: the index is that of an element whose value is a container of this kind.
    public func text(at index: Int) -> TextEditor { TextEditor(editor: existing(.text, at: index)) }
    public func list(at index: Int) -> ListEditor { ListEditor(editor: existing(.list, at: index)) }
    public func map(at index: Int) -> MapEditor { MapEditor(editor: existing(.map, at: index)) }

    private func insert(_ kind: ContainerKind, at index: Int) -> ContainerEditor {
        insert(.container(kind), at: index)
        return child(at: index, kind)
    }

    private func existing(_ kind: ContainerKind, at index: Int) -> ContainerEditor {
        precondition(self[index] == .container(kind), "the element at \(index) is no \(kind)")
        return child(at: index, kind)
    }

    func child(at index: Int, _ kind: ContainerKind) -> ContainerEditor {
        let slot = editor.open()
        let element = element(at: index)
        return editor.child(DocumentCore.elementKey(editor.core.pointee.lists[slot].elements[element].dot), kind)
    }
}

extension ListView {
    /// The container that an element is, which it stays for wherever the element moves; nil when the element is none of this kind.
    ///
    /// - Precondition: the index is that of an element.
    public func text(at index: Int) -> TextView? { child(at: index, .text).map(TextView.init) }
    public func list(at index: Int) -> ListView? { child(at: index, .list).map(ListView.init) }
    public func map(at index: Int) -> MapView? { child(at: index, .map).map(MapView.init) }

    private func child(at index: Int, _ kind: ContainerKind) -> ContainerView? {
        let element = view.read(ListState.Element?.none) { core, slot in
            let shown = core.lists[slot].shown
            precondition(shown.indices.contains(index), "no element at \(index)")
            return shown[index]
        }
        guard let element, element.value.value == .container(kind) else { return nil }
        return view.child(DocumentCore.elementKey(element.dot), kind)
    }
}
