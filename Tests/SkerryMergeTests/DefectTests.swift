import Testing

@testable import SkerryMerge

/// Errors put into the module's results on purpose: each must be found by a check that the module itself passes, or the check is worth nothing.
@Suite("Defects put in on purpose")
struct DefectTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var check: @Sendable (Subject) -> String?
        var put: @Sendable (inout Subject) -> Void

        init(
            _ description: String, foundBy check: @escaping @Sendable (Subject) -> String?, put: @escaping @Sendable (inout Subject) -> Void
        ) {
            testDescription = description
            self.check = check
            self.put = put
        }
    }

    @Test("the module passes every check, and each defect is found", arguments: differences + merges + objects)
    func found(_ defect: Case) {
        #expect(defect.check(Subject()) == nil)
        var subject = Subject()
        defect.put(&subject)
        #expect(defect.check(subject) != nil)
    }

    @Test("there are at least ten defects, each of its own")
    func count() {
        let all = Self.differences + Self.merges + Self.objects
        #expect(Set(all.map(\.testDescription)).count == all.count)
        #expect(all.count >= 20)
    }

    // MARK: - Diff and patch

    /// Changes the hunks of every diff.
    private static func hunks(_ body: @escaping @Sendable ([Hunk], _ a: [UInt8], _ b: [UInt8]) -> [Hunk])
        -> @Sendable (inout Subject) -> Void
    {
        return { subject in
            let right = subject.diff
            subject.diff = { a, b, options in
                let diff = right(a, b, options)
                return Diff(hunks: body(diff.hunks, a, b), sourceCount: a.count, targetCount: b.count)
            }
        }
    }

    static let differences: [Case] = [
        Case(
            "a hunk slides one element too far", foundBy: { Checks.roundTrip($0) },
            put: hunks { hunks, a, b in
                hunks.map { hunk in
                    guard hunk.source.upperBound < a.count, hunk.target.upperBound < b.count else { return hunk }
                    return Hunk(
                        source: hunk.source.lowerBound + 1..<hunk.source.upperBound + 1,
                        target: hunk.target.lowerBound + 1..<hunk.target.upperBound + 1)
                }
            }),
        Case("the last hunk is forgotten", foundBy: { Checks.roundTrip($0) }, put: hunks { hunks, _, _ in hunks.dropLast() }),
        Case(
            "hunks that touch are not joined", foundBy: { Checks.roundTrip($0) },
            put: hunks { hunks, _, _ in
                hunks.flatMap { hunk -> [Hunk] in
                    guard hunk.source.count > 1 else { return [hunk] }
                    let cut = hunk.source.lowerBound + 1
                    return [
                        Hunk(source: hunk.source.lowerBound..<cut, target: hunk.target),
                        Hunk(source: cut..<hunk.source.upperBound, target: hunk.target.upperBound..<hunk.target.upperBound),
                    ]
                }
            }),
        Case(
            "the common end is trimmed once too often", foundBy: { Checks.roundTrip($0) },
            put: hunks { hunks, _, _ in
                hunks.map { $0.source.count > 1 ? Hunk(source: $0.source.dropLast(), target: $0.target) : $0 }
            }),
        Case(
            "what lies between the first and the last change is replaced", foundBy: Checks.minimal,
            put: hunks { hunks, _, _ in
                guard let first = hunks.first, let last = hunks.last else { return [] }
                return [
                    Hunk(
                        source: first.source.lowerBound..<last.source.upperBound, target: first.target.lowerBound..<last.target.upperBound)
                ]
            }),
        Case(
            "elements with one hash are taken for equal", foundBy: { Checks.roundTrip($0) },
            put: {
                $0.diff = { a, b, options in
                    Diff(symbols: a.map { UInt32($0 & 7) }, to: b.map { UInt32($0 & 7) }, symbolCount: 8, options: options, boundaries: nil)
                }
            }),
        Case(
            "hunks of text lie where they come to lie", foundBy: Checks.placement,
            put: { $0.lines = { $0.diff(to: $1, options: DiffOptions(placement: .last)) } }),
        Case(
            "a line's end is no part of it", foundBy: { Checks.anyBytes($0) },
            put: {
                $0.lines = { a, b in
                    let bare = { (text: TextLines) in text.map { $0.last == 10 ? Array($0.dropLast()) : Array($0) } }
                    return Diff(from: bare(a), to: bare(b))
                }
            }),
        Case(
            "a patch is applied without a look at what it takes out", foundBy: Checks.verification,
            put: { $0.applied = { (patch, source) throws(PatchError) in patch.appliedBlindly(to: source) } }),
        Case(
            "changes from outside are taken as they come", foundBy: Checks.verification,
            put: { $0.checked = { (changes) throws(PatchError) in Patch(unchecked: changes) } }),
        Case(
            "the inverse keeps the positions of the patch", foundBy: { Checks.roundTrip($0) },
            put: {
                $0.inverted = { patch in
                    Patch(unchecked: patch.changes.map { .init(position: $0.position, removed: $0.inserted, inserted: $0.removed) })
                }
            }),
        Case(
            "composed patches are put one behind the other", foundBy: { Checks.composition($0) },
            put: {
                $0.composed = { (first, second) throws(PatchError) in
                    Patch(unchecked: (first.changes + second.changes).sorted { $0.position < $1.position })
                }
            }),
        Case(
            "a composition does not look whether its parts fit", foundBy: { Checks.composition($0) },
            put: { subject in
                let right = subject.composed
                subject.composed = { (first, second) throws(PatchError) in
                    do throws(PatchError) { return try right(first, second) } catch { return first }
                }
            }),
    ]

    // MARK: - Merge

    /// Changes the regions of every merge before they become text.
    private static func regions(
        _ body: @escaping @Sendable (MergeRegion, _ base: [UInt8], _ ours: [UInt8], _ theirs: [UInt8]) -> [MergeRegion]
    ) -> @Sendable (inout Subject) -> Void {
        return { subject in
            subject.merge = { base, ours, theirs, rules in
                let input = MergeInput(
                    base: base.map(UInt32.init), ours: ours.map(UInt32.init), theirs: theirs.map(UInt32.init), symbolCount: 256)
                return input.regions(rules).flatMap { body($0, base, ours, theirs) }.map { region in
                    switch region.kind {
                    case .unchanged: .settled(base[region.base], .base)
                    case .ours: .settled(ours[region.ours], .ours)
                    case .theirs: .settled(theirs[region.theirs], .theirs)
                    case .alike: .settled(ours[region.ours], .both)
                    case .conflict: .conflict(.init(base: base[region.base], ours: ours[region.ours], theirs: theirs[region.theirs]))
                    }
                }
            }
        }
    }

    private static func kinds(
        _ body: @escaping @Sendable (MergeRegion, _ base: [UInt8], _ ours: [UInt8], _ theirs: [UInt8]) -> MergeRegion.Kind
    ) -> @Sendable (inout Subject) -> Void {
        regions { region, base, ours, theirs in
            var region = region
            region.kind = body(region, base, ours, theirs)
            return [region]
        }
    }

    static let merges: [Case] = [
        Case(
            "content beats its deletion before it is asked whether both sides changed anything", foundBy: { Checks.mergeLaws($0) },
            put: kinds { region, _, _, _ in
                if region.kind == .ours, region.ours.isEmpty, !region.theirs.isEmpty { return .theirs }
                if region.kind == .theirs, region.theirs.isEmpty, !region.ours.isEmpty { return .ours }
                return region.kind
            }),
        Case(
            "a change made alike on both sides conflicts", foundBy: { Checks.mergeLaws($0) },
            put: kinds { region, _, _, _ in region.kind == .alike ? .conflict : region.kind }),
        Case(
            "a change made alike on both sides is taken twice", foundBy: Checks.vectors,
            put: regions { region, _, _, _ in region.kind == .alike ? [region, region] : [region] }),
        Case(
            "the deletion beats the content", foundBy: Checks.vectors,
            put: kinds { region, base, ours, theirs in
                if region.kind == .ours, region.theirs.isEmpty, !region.base.isEmpty { return .theirs }
                if region.kind == .theirs, region.ours.isEmpty, !region.base.isEmpty { return .ours }
                return region.kind
            }),
        Case(
            "a conflict goes to one side without a word", foundBy: { Checks.mergeLaws($0) },
            put: kinds { region, _, _, _ in region.kind == .conflict ? .ours : region.kind }),
        Case(
            "a conflict is trimmed once too often", foundBy: { Checks.mergeLaws($0) },
            put: { subject in
                let untrimmed = subject.merge
                var trimming = subject
                regions { region, _, _, _ in
                    guard region.kind == .conflict, !region.ours.isEmpty, !region.theirs.isEmpty else { return [region] }
                    var region = region
                    region.ours = region.ours.dropFirst()
                    region.theirs = region.theirs.dropFirst()
                    return [region]
                }(&trimming)
                let trimmed = trimming.merge
                subject.merge = { $3.trimsConflicts ? trimmed($0, $1, $2, $3) : untrimmed($0, $1, $2, $3) }
            }),
        Case(
            "a conflict is not trimmed at its beginning", foundBy: { Checks.mergeLaws($0) },
            put: { subject in
                let right = subject.merge
                subject.merge = { base, ours, theirs, rules in
                    var rules = rules
                    rules.trimsConflicts = false
                    return right(base, ours, theirs, rules)
                }
            }),
        Case(
            "changes that touch are merged as if they did not", foundBy: Checks.vectors,
            put: regions { region, base, ours, theirs in
                guard region.kind == .conflict, region.base.count == 2, region.ours.count == 2, region.theirs.count == 2 else {
                    return [region]
                }
                let halves = (0...1).map { half in
                    let at = { (range: Range<Int>) in range.lowerBound + half..<range.lowerBound + half + 1 }
                    return MergeRegion(
                        kind: ours[at(region.ours)] == base[at(region.base)] ? .theirs : .ours, base: at(region.base),
                        ours: at(region.ours),
                        theirs: at(region.theirs))
                }
                return halves
            }),
        Case(
            "what nobody changed loses its last element", foundBy: { Checks.mergeLaws($0) },
            put: regions { region, _, _, _ in
                var region = region
                if region.kind == .unchanged, region.base.count > 1 { region.base = region.base.dropLast() }
                return [region]
            }),
    ]

    // MARK: - Objects and graphs

    static let objects: [Case] = [
        Case(
            "objects go by their place and not by their identity", foundBy: Checks.objects,
            put: { $0.graph = { (value) throws(ObjectError) in try ObjectGraph(value, identityKey: "none has this key") } }),
        Case(
            "an object one side drops goes, whoever uses it", foundBy: Checks.objects,
            put: { subject in
                let right = subject.objects
                subject.objects = { base, ours, theirs, policy in
                    var merge = right(base, ours, theirs, policy)
                    merge.graph.objects = merge.graph.objects.filter { ours.objects[$0.key] != nil && theirs.objects[$0.key] != nil }
                    return merge
                }
            }),
        Case(
            "a key that one side deletes goes, whatever the other does to it", foundBy: Checks.objects,
            put: {
                $0.objects = { base, ours, theirs, policy in
                    let merge = ObjectMerge(
                        base: base, ours: ours, theirs: theirs, rules: MergeRules(insertBeatsDelete: false), policy: policy)
                    return (merge.graph, merge.conflicts.count)
                }
            }),
        Case(
            "each node settles conflicts its own way", foundBy: { Checks.objectLaws($0) },
            put: {
                $0.objects = { base, ours, theirs, _ in
                    let merge = ObjectMerge(base: base, ours: ours, theirs: theirs, policy: .ours)
                    return (merge.graph, merge.conflicts.count)
                }
            }),
        Case(
            "the common ancestor is looked for among first parents", foundBy: { Checks.mergeBases($0) },
            put: {
                $0.mergeBases = { plain, a, b in
                    func line(_ number: Int) -> [Int] {
                        sequence(first: number) { plain.parents[$0].first }.map(\.self)
                    }
                    let ofB = Set(line(b))
                    return Set(line(a).first(where: ofB.contains).map { [PlainGraph.id($0)] } ?? [])
                }
            }),
        Case(
            "an ancestor of a common ancestor is one too", foundBy: { Checks.mergeBases($0) },
            put: {
                $0.mergeBases = { plain, a, b in
                    Set(plain.ancestors(a).intersection(plain.ancestors(b)).map(PlainGraph.id))
                }
            }),
    ]
}

extension Patch {
    /// Without the comparison.
    fileprivate func appliedBlindly(to source: [Element]) -> [Element] {
        var result = source
        for change in changes.reversed() {
            let end = Swift.min(result.count, change.position + change.removed.count)
            result.replaceSubrange(Swift.min(change.position, end)..<end, with: change.inserted)
        }
        return result
    }
}
