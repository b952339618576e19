import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("Bounds of what a document keeps and sends")
struct BoundsTests {
    private static let clock: @Sendable () -> UInt64 = { 1_000_000 }

    private static func document(_ origin: UInt64) -> Document { Document(origin: OriginID(rawValue: origin), now: clock) }

    // MARK: - Frames

    /// Three replicas that heard of each other now and then, merged into the first.
    private static func history(_ seed: Int, steps: Int = 120) throws -> Document {
        var random = CheckRandom(seed: seed &+ 7)
        let documents = (1...3).map { document(UInt64($0)) }
        for _ in 0..<steps {
            documents[random.below(3)].change { DocumentConvergenceTests.step($0, &random) }
            if random.chance(15) { try documents[random.below(3)].merge(documents[random.below(3)]) }
        }
        for other in documents.dropFirst() { try documents[0].merge(other) }
        return documents[0]
    }

    @Test("what does not fit a frame goes over in several, each a whole step for who takes it", arguments: 0..<Soak.count(20, soak: 2_000))
    func frames(seed: Int) throws {
        let document = try Self.history(seed)
        var encoder = UpdateEncoder(), decoder = UpdateDecoder()
        let other = Self.document(9)
        let budget = 100 + 50 * (seed % 20)
        var count = 0
        while let frame = try document.withCore({ core throws(DocumentError) in try encoder.encode(&core, budget: budget) }) {
            // A single event may take more: none here has over 64 bytes, and names of containers.
            #expect(frame.count <= budget + 128, "seed \(seed)")
            let result = try decoder.apply(frame, to: other)
            #expect(result.missing == nil && other.version == encoder.known, "seed \(seed), frame \(count)")
            count += 1
        }
        #expect(count > 2)
        #expect(encoder.known == document.version && Plain(other) == Plain(document), "seed \(seed)")
    }

    @Test("a long text is cut where a frame is full")
    func longText() throws {
        let document = Self.document(1)
        let text = String(repeating: "abcdefghij", count: 5_000) + String(repeating: "é", count: 20_000)
        document.change { $0.text("t").insert(text, at: 0) }
        document.change { $0.text("t").replace(100..<40_000, with: "") }
        var encoder = UpdateEncoder(), decoder = UpdateDecoder()
        let other = Self.document(2)
        var sizes: [Int] = []
        while let frame = try document.withCore({ core throws(DocumentError) in try encoder.encode(&core, budget: 4_096) }) {
            sizes.append(frame.count)
            #expect(try decoder.apply(frame, to: other).missing == nil)
        }
        #expect(sizes.count > 20 && sizes.allSatisfy { $0 <= 4_096 })
        #expect(other.text("t").string == document.text("t").string)
    }

    @Test("items of a list go over as many as fit, whatever their sizes")
    func longItems() throws {
        var random = CheckRandom(seed: 3)
        let document = Self.document(1), other = Self.document(2)
        let values = (0..<300).map { _ in DocumentValue.string(String(repeating: "x", count: random.chance(10) ? 400 : random.below(20))) }
        document.change { change in for value in values { change.list("l").append(value) } }
        document.change { change in for _ in 0..<100 { change.list("l").remove(at: 7) } }
        var encoder = UpdateEncoder(), decoder = UpdateDecoder()
        var sizes: [Int] = []
        while let frame = try document.withCore({ core throws(DocumentError) in try encoder.encode(&core, budget: 1_500) }) {
            sizes.append(frame.count)
            #expect(try decoder.apply(frame, to: other).missing == nil)
        }
        #expect(sizes.count > 6 && sizes.allSatisfy { $0 <= 1_500 })
        #expect(sizes.dropLast().allSatisfy { $0 > 900 }, "frames are filled")
        #expect(other.list("l").values == document.list("l").values)
    }

    @Test("the longest value fits a frame")
    func longestValue() throws {
        let document = Self.document(1), other = Self.document(2)
        let value = DocumentValue.string(String(repeating: "x", count: DocumentValue.lengthMaximum))
        document.change { change in
            change.map("m")["before"] = 1
            change.map("m")["long"] = value
            change.map("m")["after"] = 2
        }
        var encoder = UpdateEncoder(), decoder = UpdateDecoder()
        while let frame = try encoder.encode(document) { _ = try decoder.apply(frame, to: other) }
        #expect(other.map("m")["long"] == value && other.map("m")["after"] == 2)
    }

    // MARK: - Trackers

    /// Bytes of the tracker of the text "t".
    private func footprint(_ document: Document) -> Int {
        document.withCore { core in core.texts[0].sequence.tracker.isWarm ? core.texts[0].sequence.tracker.footprint : 0 }
    }

    private static let maximum = 64 << 10

    private static func write(_ document: Document, _ count: Int, _ random: inout CheckRandom) {
        for _ in 0..<count {
            document.change { change in
                let text = change.text("t")
                let length = text.count(in: .scalars)
                let start = random.below(length + 1)
                if random.chance(30), start < length {
                    text.replace(start..<start + 1, in: .scalars, with: "")
                } else {
                    text.insert("ab", at: start, in: .scalars)
                }
            }
        }
    }

    @Test("a tracker is let go when branches have met or a batch made most of it, and nothing else changes", arguments: 0..<2)
    func trackers(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 3)
        let one = Self.document(1), two = Self.document(2)
        let bounded = Self.document(3), unbounded = Self.document(4)
        bounded.withCore { $0.trackerMaximum = Self.maximum }
        unbounded.withCore { $0.trackerMaximum = .max }
        Self.write(one, 20, &random)
        try two.merge(one)
        var encoder = UpdateEncoder()
        var oneToBounded = UpdateDecoder(), oneToUnbounded = UpdateDecoder()
        // Both write on their own; one is followed update by update, the other comes as a whole.
        for _ in 0..<2 {
            Self.write(two, 700, &random)
            for _ in 0..<350 {
                Self.write(one, 1, &random)
                while let frame = try encoder.encode(one) {
                    _ = try oneToBounded.apply(frame, to: bounded)
                    _ = try oneToUnbounded.apply(frame, to: unbounded)
                }
            }
            let branch = try two.history(since: bounded.version)
            try bounded.merge(branch)
            try unbounded.merge(branch)
            #expect(footprint(bounded) <= Self.maximum, "after a batch")
            #expect(footprint(unbounded) > Self.maximum)
            // The next small update makes it anew and keeps it.
            Self.write(one, 1, &random)
            while let frame = try encoder.encode(one) {
                _ = try oneToBounded.apply(frame, to: bounded)
                _ = try oneToUnbounded.apply(frame, to: unbounded)
            }
            #expect(footprint(bounded) > Self.maximum, "while branches are open")
            #expect(bounded.text("t").string == unbounded.text("t").string)
            // An own change follows everything.
            bounded.change { $0.text("t").insert("!", at: 0) }
            #expect(footprint(bounded) == 0, "after an own change")
            try unbounded.merge(bounded)
            try one.merge(unbounded)
            try two.merge(one)
            encoder.peerHas(one.version)
            #expect(bounded.text("t").string == unbounded.text("t").string && one.text("t").string == two.text("t").string)
        }
    }

    // MARK: - Undo

    @Test("large pastes are taken back and made again in stretches, however often", arguments: 0..<3)
    func pastes(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 11)
        let document = Self.document(1)
        try document.enableUndo()
        var states = [""]
        for _ in 0..<30 {
            document.change { change in
                let text = change.text("t")
                let length = text.count(in: .scalars)
                let start = random.below(length + 1)
                if random.chance(40) {
                    text.replace(start..<min(length, start + random.below(4_000)), in: .scalars, with: random.chance(50) ? "new" : "")
                } else {
                    text.insert(String(repeating: "lorem ipsum ", count: 1 + random.below(300)), at: start, in: .scalars)
                }
            }
            let now = document.text("t").string
            if now != states.last { states.append(now) }
        }
        for round in 0..<3 {
            for index in states.indices.dropLast().reversed() {
                while document.text("t").string != states[index] { try #require(document.undo(), "round \(round), back to \(index)") }
            }
            while document.undo() {}
            for index in states.indices.dropFirst() {
                while document.text("t").string != states[index] { try #require(document.redo(), "round \(round), again to \(index)") }
            }
        }
        // Some stretches for each step, not one for each of tens of thousands of letters.
        #expect(document.withCore { $0.undo!.revivals.runCount } < 3_000)
    }

    @Test("what undo brought back is forgotten with the last step that may ask for it", arguments: [false, true])
    func revivals(isList: Bool) throws {
        let document = Self.document(1)
        try document.enableUndo(limit: 5)
        document.change { change in
            if isList {
                for number in 0..<100 { change.list("l").append(.int(Int64(number))) }
            } else {
                change.text("t").insert(String(repeating: "0123456789", count: 10), at: 0)
            }
        }
        func content() -> String { isList ? "\(document.list("l").values)" : document.text("t").string }
        for round in 0..<700 {
            let before = content()
            document.change { change in
                let place = round * 7 % 90
                if isList {
                    change.list("l").remove(at: place)
                    change.list("l").remove(at: place)
                } else {
                    change.text("t").replace(place..<place + 3, with: "")
                }
            }
            #expect(document.undo() && content() == before, "round \(round)")
            // At most twice what two runs for each of the hundred come to, and some, however often each comes back.
            #expect(document.withCore { $0.undo!.revivals.runCount } <= 500, "round \(round)")
        }
        // The steps that are left still find what they are about.
        let all = content()
        for place in 0..<5 {
            document.change { change in
                if isList { change.list("l").remove(at: 3 * place) } else { change.text("t").replace(3 * place..<3 * place + 2, with: "") }
            }
        }
        for _ in 0..<5 { #expect(document.undo()) }
        #expect(content() == all)
        #expect(!document.undo())
    }

    @Test("a map of units says what a plain one says", arguments: 0..<20)
    func unitMap(seed: Int) {
        var random = CheckRandom(seed: seed)
        var map = UnitMap()
        var plain: [UInt32: UInt32] = [:]
        for _ in 0..<60 {
            let start = UInt32(random.below(80)), count = UInt32(1 + random.below(12)), target = UInt32(random.below(40))
            map.set(start, count: count, to: target)
            for offset in 0..<count { plain[start + offset] = target + offset }
            for unit in UInt32(0)..<100 {
                let found = map.lookUp(unit)
                #expect(found.target == plain[unit], "unit \(unit)")
                // What it says of those that follow and come before holds.
                for offset in 0..<min(found.count, 100) {
                    #expect(plain[unit + offset] == found.target.map { $0 + offset }, "unit \(unit) and \(offset) more")
                }
                for offset in 0...found.before where found.before > 0 {
                    #expect(plain[unit - offset] == found.target.map { $0 - offset })
                }
            }
            for (left, right) in zip(map.runs, map.runs.dropFirst()) {
                #expect(left.end < right.start || left.end == right.start && left.target + left.count != right.target, "two runs are one")
            }
        }
    }

    // MARK: - Order and causality

    @Test("keys are put in the order of their bytes", arguments: 0..<30)
    func byteOrder(seed: Int) {
        var random = CheckRandom(seed: seed &+ 5)
        let letters = ["a", "b", "\u{0}", "é", "photos/2024/", "zz"]
        var keys: Set<String> = []
        for _ in 0..<(seed % 3 == 0 ? 20 : 400) {
            keys.insert((0..<random.below(6)).map { _ in letters[random.below(seed % 2 == 0 ? 6 : 3)] }.joined())
        }
        let strings = Array(keys)
        let sorted = ByteOrder.indices(of: strings).map { strings[$0] }
        #expect(sorted == strings.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    }

    @Test("clocks say what a walk through the graph says, and every event is found by its name", arguments: 0..<Soak.count(15, soak: 1_000))
    func clocks(seed: Int) throws {
        let document = try Self.history(seed, steps: 200)
        document.withCore { core in
            var clocks = TrackerClocks(), wrong = 0, unfound = 0
            for version in 0..<UInt32(core.graph.count) {
                let dot = core.graph.dot(of: Int(version))
                let number = core.graph.existingNumber(of: dot.origin)!
                if core.graph.version(origin: number, sequence: Int(dot.sequence) - 1) != Int(version) { unfound += 1 }
                let run = core.graph.run(of: Int(version))
                for other in stride(from: UInt32(0), to: version, by: 3) {
                    let walked =
                        other >= core.graph.runs[run].start
                        || core.graph.hasSeen(core.graph.parents(ofRun: run), other, scratch: &core.scratch)
                    if core.graph.hasSeen(version, other, clocks: &clocks, scratch: &core.scratch) != walked { wrong += 1 }
                }
            }
            #expect(wrong == 0 && unfound == 0, "seed \(seed)")
        }
    }
}
