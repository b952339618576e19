/// An open change of a document; see ``Document/change(_:)``.
///
/// Containers are named by path and come into being when they are first changed.
public struct Change {
    let document: Document
    let core: UnsafeMutablePointer<DocumentCore>
    let serial: UInt64

    /// A text at the root.
    public func text(_ name: String) -> TextEditor {
        TextEditor(document: document, core: core, serial: serial, container: container(name, .text))
    }

    func container(_ name: String, _ kind: ContainerKind) -> UInt32 {
        core.pointee.container(ContainerTable.Name(parent: ContainerTable.root, key: name, kind: kind))
    }
}
