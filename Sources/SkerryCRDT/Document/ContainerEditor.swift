/// A container within an open change.
struct ContainerEditor {
    // Keeps the memory behind `core` alive, so that use after the change is found out and not undefined.
    let document: Document
    let core: UnsafeMutablePointer<DocumentCore>
    let serial: UInt64
    let container: UInt32

    /// Its index among those of its kind.
    ///
    /// - Precondition: the change is still open.
    @inline(__always)
    func open() -> Int {
        precondition(core.pointee.isChanging && core.pointee.changeSerial == serial, "the change is over")
        return core.pointee.containers.slot(of: container)
    }

    func write(_ event: (HybridTimestamp) -> ValueEvent) {
        _ = open()
        let made = event(.zero)
        // A stamp is taken only where it is written.
        core.pointee.write(made.stamp == nil ? made : event(core.pointee.nextStamp()), to: container)
    }

    /// The container named by a key here. A map shows it under that key.
    func child(_ key: String, _ kind: ContainerKind) -> ContainerEditor {
        let slot = open()
        let number = core.pointee.container(ContainerTable.Name(parent: container, key: key, kind: kind))
        if core.pointee.containers.kind(of: container) == .map, core.pointee.values[slot].registers[key]?.value != .container(kind) {
            write { stamp in .write(key: key, stamp: stamp, value: .container(kind)) }
        }
        return ContainerEditor(document: document, core: core, serial: serial, container: number)
    }
}
