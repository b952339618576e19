extension Merge where Element == UInt8 {
    /// Merges texts by lines, and what conflicts then by words, if the rules say so.
    public init(base: TextLines, ours: TextLines, theirs: TextLines, rules: MergeRules = .text) {
        let interned = LineInterner.symbols(of: [base, ours, theirs])
        let scores = { (side: TextLines) in BoundaryScores(source: base.cutScore, target: side.cutScore) }
        let input = MergeInput(
            base: interned.symbols[0], ours: interned.symbols[1], theirs: interned.symbols[2], symbolCount: interned.count,
            boundaries: rules.diff.placement == .boundaries ? (scores(ours), scores(theirs)) : nil)
        var untrimmed = rules
        // Words see the whole conflict: what both sides share at its ends is their context.
        if rules.retriesWords { untrimmed.trimsConflicts = false }
        var pieces: [Piece] = []
        for region in input.regions(untrimmed) {
            switch region.kind {
            case .unchanged: pieces.append(.settled(base.bytes(ofLines: region.base), .base))
            case .ours where !region.ours.isEmpty: pieces.append(.settled(ours.bytes(ofLines: region.ours), .ours))
            case .theirs where !region.theirs.isEmpty: pieces.append(.settled(theirs.bytes(ofLines: region.theirs), .theirs))
            case .alike where !region.ours.isEmpty: pieces.append(.settled(ours.bytes(ofLines: region.ours), .both))
            case .ours, .theirs, .alike: break
            case .conflict:
                let conflict = Conflict(
                    base: base.bytes(ofLines: region.base), ours: ours.bytes(ofLines: region.ours),
                    theirs: theirs.bytes(ofLines: region.theirs))
                if rules.retriesWords, let woven = conflict.mergedByWords() {
                    pieces.append(.settled(woven[...], .words))
                } else if rules.retriesWords, rules.trimsConflicts {
                    pieces.append(contentsOf: conflict.trimmedByLines())
                } else {
                    pieces.append(.conflict(conflict))
                }
            }
        }
        self.init(pieces: pieces)
    }

    private init(pieces: [Piece]) { self.pieces = pieces }
}

extension Merge.Conflict where Element == UInt8 {
    /// The clean merge of the words of the three sides, if there is one.
    fileprivate func mergedByWords() -> [UInt8]? {
        let sizes = [base.count, ours.count, theirs.count]
        guard sizes.allSatisfy({ $0 > 0 && $0 <= MergeRules.wordRetryMaximum }) else { return nil }
        let merge = Merge<ArraySlice<UInt8>>(
            base: WordTokens.tokens(of: base), ours: WordTokens.tokens(of: ours), theirs: WordTokens.tokens(of: theirs), rules: .words)
        return merge.content.map { Array($0.joined()) }
    }

    /// The conflict without the lines that both sides begin and end with.
    fileprivate func trimmedByLines() -> [Merge<UInt8>.Piece] {
        let oursLines = TextLines(Array(ours)), theirsLines = TextLines(Array(theirs))
        let shorter = min(oursLines.count, theirsLines.count)
        var head = 0
        while head < shorter, oursLines[head] == theirsLines[head] { head += 1 }
        var tail = 0
        while tail < shorter - head, oursLines[oursLines.count - 1 - tail] == theirsLines[theirsLines.count - 1 - tail] { tail += 1 }
        let oursMiddle = head..<oursLines.count - tail, theirsMiddle = head..<theirsLines.count - tail
        var pieces: [Merge<UInt8>.Piece] = []
        if head > 0 { pieces.append(.settled(oursLines.bytes(ofLines: 0..<head), .both)) }
        pieces.append(
            .conflict(.init(base: base, ours: oursLines.bytes(ofLines: oursMiddle), theirs: theirsLines.bytes(ofLines: theirsMiddle))))
        if tail > 0 { pieces.append(.settled(oursLines.bytes(ofLines: oursMiddle.upperBound..<oursLines.count), .both)) }
        return pieces
    }
}

extension MergeRules {
    /// For the words of a conflict. A deleted word that the other side edited stays a conflict: half a phrase is worse than a question.
    static let words = MergeRules(
        diff: DiffOptions(algorithm: .myers, placement: .last), alike: .content, insertBeatsDelete: false, retriesWords: false,
        trimsConflicts: false)
}

/// Cuts text into words, runs of blanks, and single bytes of everything else. Nothing is lost: the tokens joined are the text.
package enum WordTokens {
    private enum Class {
        case word, blank, single
    }

    package static func tokens(of text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var tokens: [ArraySlice<UInt8>] = []
        var start = text.startIndex
        while start < text.endIndex {
            let kind = kind(of: text[start])
            var end = start + 1
            if kind != .single { while end < text.endIndex, self.kind(of: text[end]) == kind { end += 1 } }
            tokens.append(text[start..<end])
            start = end
        }
        return tokens
    }

    private static func kind(of byte: UInt8) -> Class {
        switch byte {
        // Bytes beyond ASCII are parts of letters in UTF-8.
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x80...: .word
        case 0x20, 0x09: .blank
        default: .single
        }
    }
}
