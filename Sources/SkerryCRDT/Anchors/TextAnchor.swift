/// A place in a text that stays with its character, wherever edits here and elsewhere move that.
///
/// It is made of names that every replica knows, so a caret can be sent to others as it is.
public struct TextAnchor: Sendable, Hashable {
    /// On which side of its character the place is.
    public enum Side: Sendable, Hashable {
        /// Before a character: text typed here comes before the place.
        case before
        /// After a character: text typed here comes after the place.
        case after
    }

    /// The insertion of the character; nil for the end of the text (`before` nothing) or its beginning (`after` nothing).
    public var character: Dot?
    public var side: Side

    public init(character: Dot?, side: Side) {
        self.character = character
        self.side = side
    }
}

extension TextView {
    /// An anchor at a position: `before` the character behind it, or `after` the one in front of it.
    ///
    /// The first anchor of a text walks its whole history, O(n log n); later ones cost O(log n) and what happened since.
    ///
    /// - Throws: `notFound` when the document was opened without its history.
    /// - Precondition: the position lies within the text and between scalars.
    public func anchor(at position: Int, _ side: TextAnchor.Side, in unit: TextUnit = .utf8) throws(DocumentError) -> TextAnchor {
        try view.document.withCore { core throws(DocumentError) in
            guard let container = core.existingContainer(view.path) else { return TextAnchor(character: nil, side: side) }
            try core.restoreHistory()
            let slot = core.containers.slot(of: container)
            let index =
                core.texts[slot].scalars(position..<position, in: unit).lowerBound
                - (side == .after || isDefective(.anchorOnNeighbour) ? 1 : 0)
            if index < 0 || index == core.texts[slot].sequence.count { return TextAnchor(character: nil, side: side) }
            core.texts[slot].identify(graph: core.graph, scratch: &core.scratch)
            let version = core.texts[slot].sequence.log.version(ofUnit: core.texts[slot].sequence.unit(at: index))
            return TextAnchor(character: core.graph.dot(of: Int(version)), side: side)
        }
    }

    /// Where an anchor is now. Where its character was deleted, the place where that stood.
    ///
    /// - Throws: `notFound` when the character has not arrived, is none of this text, or the document was opened without its history.
    public func position(of anchor: TextAnchor, in unit: TextUnit = .utf8) throws(DocumentError) -> Int {
        try view.document.withCore { core throws(DocumentError) in
            guard let container = core.existingContainer(view.path) else {
                if anchor.character == nil { return 0 }
                throw DocumentError(code: .notFound, message: "the text of the anchor is not here")
            }
            let slot = core.containers.slot(of: container)
            guard let character = anchor.character else { return anchor.side == .after ? 0 : core.texts[slot].rope.total.count(in: unit) }
            try core.restoreHistory()
            let unitOfText = try core.insertedUnit(character, of: container)
            core.texts[slot].identify(graph: core.graph, scratch: &core.scratch)
            let place = core.texts[slot].sequence.place(ofUnit: unitOfText)
            let scalars = place.position + (anchor.side == .after && !place.isDeleted ? 1 : 0)
            return unit == .scalars ? scalars : core.texts[slot].rope.measure(before: scalars).count(in: unit)
        }
    }
}

extension DocumentCore {
    /// The unit of a text that an event inserted.
    fileprivate func insertedUnit(_ dot: Dot, of container: UInt32) throws(DocumentError) -> UInt32 {
        if dot.sequence > 0, dot.sequence < UInt64(EventGraph.limit), let origin = graph.existingNumber(of: dot.origin),
            let version = graph.version(origin: origin, sequence: Int(dot.sequence) - 1), owners[owner(of: version)].container == container
        {
            let slot = containers.slot(of: container)
            let unit = texts[slot].sequence.log.unit(atOrAfter: UInt32(version))
            // An event that marks the text has no unit; what is found then is the one behind it, or none.
            if Int(unit) < texts[slot].sequence.log.unitCount {
                let run = texts[slot].sequence.log.runs[texts[slot].sequence.log.run(ofUnit: unit)]
                if run.kind == .insertion, run.version + unit - run.unit == UInt32(version) { return unit }
            }
        }
        throw DocumentError(code: .notFound, message: "event \(dot.sequence) of \(dot.origin) inserted no character here")
    }
}
