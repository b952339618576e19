/// Running a type's own coding, whose errors have no type.
enum DocumentCoding {
    static func tree<T: Encodable>(of value: T) throws(DocumentError) -> DocumentTree {
        do { return try TreeEncoder.tree(value) } catch { throw Self.error(error) }
    }

    static func value<T: Decodable>(_ type: T.Type, of tree: DocumentTree) throws(DocumentError) -> T {
        do { return try TreeDecoder(tree: tree, codingPath: []).value(type) } catch { throw Self.error(error) }
    }

    private static func error(_ error: any Error) -> DocumentError {
        switch error {
        case let error as DocumentError: return error
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context):
            return DocumentError(code: .mismatch, message: context.debugDescription, path: context.codingPath.names)
        case DecodingError.keyNotFound(let key, let context):
            return DocumentError(code: .mismatch, message: context.debugDescription, path: (context.codingPath + [key]).names)
        case EncodingError.invalidValue(_, let context):
            return DocumentError(code: .mismatch, message: context.debugDescription, path: context.codingPath.names)
        default: return DocumentError(code: .mismatch, message: "\(error)")
        }
    }
}

extension Document {
    /// Reads a value out of the document, whose containers are its fields.
    ///
    /// Maps are objects, lists and sets arrays, texts strings, counters whole numbers, registers what they hold. A field that is not there is nil. At the
    /// root a container that is empty is as one that is not there: an empty list for an array, nil for an optional one.
    ///
    /// - Throws: `mismatch` with the ``DocumentError/path`` of what has another shape than the type, and what the type's own decoding throws.
    public func decode<T: Decodable>(_ type: T.Type) throws(DocumentError) -> T {
        try DocumentCoding.value(type, of: withCore { $0.rootTree() })
    }

    /// Writes the difference between a value and what the document holds, as one change: what is equal stays untouched, so two replicas that
    /// write different fields at the same time both keep theirs.
    ///
    /// See ``Change/encode(_:identity:)``.
    ///
    /// - Throws: `mismatch` or `limitExceeded` with the ``DocumentError/path``, and what the type's own encoding throws; nothing has changed then.
    public func encode<T: Encodable>(_ value: T, identity: String = "id") throws(DocumentError) {
        let tree = try DocumentCoding.tree(of: value)
        try change { change throws(DocumentError) in try TreeWriter(identity: identity).write(tree, toRootOf: change) }
    }
}

extension DocumentView {
    /// Reads a value out of the document as it was; see ``Document/decode(_:)``.
    public func decode<T: Decodable>(_ type: T.Type) throws(DocumentError) -> T { try document.decode(type) }
}

extension Change {
    /// Writes the difference between a value and what the document holds.
    ///
    /// - A property becomes what the document has under its name: a string is merged into a text by its edits, a number into a counter by its
    ///   difference, an array into a list or set. Where nothing is, objects become maps, arrays lists, `Set`s sets, ``DocumentText`` a text,
    ///   ``DocumentCounter`` a counter, everything else a value.
    /// - Objects in a list that each have an `identity` of their own are known again by it: they move and change in place. Other elements are
    ///   compared by what they are, and what differs is changed in place as far as both sides go.
    /// - A property that is nil is removed. Keys that the type does not know stay, except those of a dictionary.
    /// - Of an enumeration with values the case that was set last holds.
    ///
    /// - Throws: as ``Document/encode(_:identity:)``. A body that catches the error keeps what was written before it.
    public func encode<T: Encodable>(_ value: T, identity: String = "id") throws(DocumentError) {
        try TreeWriter(identity: identity).write(DocumentCoding.tree(of: value), toRootOf: self)
    }

    /// Reads a value out of the document as it stands in the change; see ``Document/decode(_:)``.
    public func decode<T: Decodable>(_ type: T.Type) throws(DocumentError) -> T {
        precondition(core.pointee.isChanging && core.pointee.changeSerial == serial, "the change is over")
        return try DocumentCoding.value(type, of: core.pointee.rootTree())
    }

    func editor(of container: UInt32) -> ContainerEditor {
        ContainerEditor(document: document, core: core, serial: serial, container: container)
    }
}

extension ContainerEditor {
    func encode<T: Encodable>(_ value: T, _ identity: String) throws(DocumentError) {
        try TreeWriter(identity: identity).write(DocumentCoding.tree(of: value), to: self, at: [])
    }

    func decode<T: Decodable>(_ type: T.Type) throws(DocumentError) -> T {
        _ = open()
        return try DocumentCoding.value(type, of: core.pointee.tree(of: container))
    }
}

extension ContainerView {
    func decode<T: Decodable>(_ type: T.Type) throws(DocumentError) -> T {
        let kind = path.steps.last!.kind
        let tree = document.withCore { core in
            core.existingContainer(path).map { core.tree(of: $0) } ?? DocumentTree.empty(kind)
        }
        return try DocumentCoding.value(type, of: tree)
    }
}

extension MapEditor {
    /// Writes the difference between a value and what the map holds; see ``Change/encode(_:identity:)``.
    public func encode<T: Encodable>(_ value: T, identity: String = "id") throws(DocumentError) { try editor.encode(value, identity) }
    /// Reads a value out of the map; see ``Document/decode(_:)``.
    public func decode<T: Decodable>(_ type: T.Type) throws(DocumentError) -> T { try editor.decode(type) }
}

extension ListEditor {
    /// Writes the difference between a value and what the list holds; see ``Change/encode(_:identity:)``.
    public func encode<T: Encodable>(_ value: T, identity: String = "id") throws(DocumentError) { try editor.encode(value, identity) }
    /// Reads a value out of the list; see ``Document/decode(_:)``.
    public func decode<T: Decodable>(_ type: T.Type) throws(DocumentError) -> T { try editor.decode(type) }
}

extension RegisterEditor {
    /// Writes a value if the register has another; see ``Change/encode(_:identity:)``.
    public func encode<T: Encodable>(_ value: T) throws(DocumentError) { try editor.encode(value, "id") }
    /// Reads the value; see ``Document/decode(_:)``.
    public func decode<T: Decodable>(_ type: T.Type) throws(DocumentError) -> T { try editor.decode(type) }
}

extension SetEditor {
    /// Writes the difference between a value and what the set holds; see ``Change/encode(_:identity:)``.
    public func encode<T: Encodable>(_ value: T) throws(DocumentError) { try editor.encode(value, "id") }
    /// Reads a value out of the set; see ``Document/decode(_:)``.
    public func decode<T: Decodable>(_ type: T.Type) throws(DocumentError) -> T { try editor.decode(type) }
}

extension MapView {
    /// Reads a value out of the map; see ``Document/decode(_:)``.
    public func decode<T: Decodable>(_ type: T.Type) throws(DocumentError) -> T { try view.decode(type) }
}

extension ListView {
    /// Reads a value out of the list; see ``Document/decode(_:)``.
    public func decode<T: Decodable>(_ type: T.Type) throws(DocumentError) -> T { try view.decode(type) }
}

extension SetView {
    /// Reads a value out of the set; see ``Document/decode(_:)``.
    public func decode<T: Decodable>(_ type: T.Type) throws(DocumentError) -> T { try view.decode(type) }
}

extension RegisterView {
    /// Reads the value; see ``Document/decode(_:)``.
    public func decode<T: Decodable>(_ type: T.Type) throws(DocumentError) -> T { try view.decode(type) }
}
