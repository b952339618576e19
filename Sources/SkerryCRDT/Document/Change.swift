/// An open change of a document; see ``Document/change(_:)``.
///
/// Containers are named by path and come into being when they are first changed.
public struct Change {
    let document: Document
    let core: UnsafeMutablePointer<DocumentCore>
    let serial: UInt64

    public func text(_ name: String) -> TextEditor { TextEditor(editor: container(name, .text)) }
    public func list(_ name: String) -> ListEditor { ListEditor(editor: container(name, .list)) }
    public func map(_ name: String) -> MapEditor { MapEditor(editor: container(name, .map)) }
    public func counter(_ name: String) -> CounterEditor { CounterEditor(editor: container(name, .counter)) }
    public func set(_ name: String) -> SetEditor { SetEditor(editor: container(name, .set)) }
    public func register(_ name: String) -> RegisterEditor { RegisterEditor(editor: container(name, .register)) }

    @inline(__always)
    func container(_ name: String, _ kind: ContainerKind) -> ContainerEditor {
        precondition(core.pointee.isChanging && core.pointee.changeSerial == serial, "the change is over")
        let number = core.pointee.container(ContainerTable.Name(parent: ContainerTable.root, key: name, kind: kind))
        return ContainerEditor(document: document, core: core, serial: serial, container: number)
    }
}
