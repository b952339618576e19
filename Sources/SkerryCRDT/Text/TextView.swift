/// A text of a document, for reading.
public struct TextView: Sendable {
    let document: Document
    let name: ContainerPath

    /// What it says now.
    public var string: String { read("") { $0.rope.string } }

    /// Its length.
    public func count(in unit: TextUnit = .utf8) -> Int { read(0) { $0.rope.total.count(in: unit) } }

    private func read<R: Sendable>(_ empty: R, _ body: (inout TextState) -> R) -> R {
        document.withCore { core in
            guard let container = core.existingContainer(name) else { return empty }
            return body(&core.texts[Int(core.containers.slots[Int(container)])])
        }
    }
}

extension Document {
    /// A text at the root.
    public func text(_ name: String) -> TextView { TextView(document: self, name: ContainerPath(key: name, kind: .text)) }
}
