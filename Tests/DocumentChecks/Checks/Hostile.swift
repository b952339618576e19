import SkerryCRDT

/// Mutated bytes against every decoder: no trap, no half-taken input, no memory.
enum Hostile {
    struct Samples: Sendable {
        var history: [UInt8]
        var snapshot: [UInt8]
        var frames: [[UInt8]]
        var states: [(decode: @Sendable ([UInt8]) -> Bool, bytes: [UInt8])]
    }

    /// A small history of two writers with everything in it.
    static func samples() throws -> Samples {
        let one = Document(origin: OriginID(rawValue: 1), now: { 1000 }), two = Document(origin: OriginID(rawValue: 2), now: { 1000 })
        var encoder = UpdateEncoder()
        var frames: [[UInt8]] = []
        for round in 0..<3 {
            one.change { $0.text("t").insert("héllo \(round)", at: 0) }
            two.change { change in
                change.text("t").insert("wörld 😀", at: 0)
                change.list("l").append("two")
                change.map("m").map("n")["k"] = .int(Int64(round))
            }
            two.change { $0.text("t").mark(0..<4, in: .scalars, "link", "u", expansion: .before) }
            one.change { change in
                change.text("t").mark(1..<4, in: .scalars, "colour", .int(Int64(round)), expansion: .none)
                change.text("t").mark(0..<3, in: .scalars, "bold", expansion: .both)
                change.text("t").unmark(0..<1, in: .scalars, "bold", expansion: .both)
                change.map("m")["k"] = .bytes([1, 2, 3])
                change.list("l").insert(.double(0.5), at: 0)
                change.list("l").append(.null)
                change.list("l").move(from: 0, to: 1)
                change.list("l")[0] = "v"
                if round == 1 { change.list("l").remove(at: 0) }
                change.set("s").insert(true)
                change.counter("c") += 3
                change.register("r").value = "x"
            }
            one.change { $0.text("t").delete(0..<1) }
            if round % 2 == 0 {
                try one.merge(two)
                try two.merge(one)
            }
            if let frame = try encoder.encode(one) { frames.append(frame) }
        }
        return Samples(history: try one.history(), snapshot: one.snapshot(), frames: frames, states: try states())
    }

    private static func states() throws -> [(decode: @Sendable ([UInt8]) -> Bool, bytes: [UInt8])] {
        let one = OriginID(rawValue: 1), two = OriginID(rawValue: 2)
        var map = ORMap<String, DotMap<Int64, DotSet>>()
        map.update("ab") { $0.insert(5, by: one) }
        map.update("b") { $0.insert(6, by: two) }
        map.removeKey("b")
        map.update("ab") { $0.insert(7, by: two) }
        var register = MVRegister<DocumentValue>()
        register.write("é", by: one)
        register.write(.bytes([1, 2]), by: two)
        var words = LWWMap<String, String>()
        words.write("x", for: "k", stamp: HybridTimestamp(milliseconds: 9, count: 1), origin: one)
        words.write(nil, for: "l", stamp: HybridTimestamp(milliseconds: 9, count: 2), origin: two)
        var counter = PNCounter()
        try counter.add(70, by: one)
        try counter.add(-9, by: two)
        var set = CausalLengthSet<Int64>()
        for member in 0..<4 { set.insert(Int64(member) * 40) }
        func sample<State: DeltaState & StateCodable>(_ state: State) -> (decode: @Sendable ([UInt8]) -> Bool, bytes: [UInt8]) {
            (
                { bytes in
                    guard let read = try? State(decoding: bytes) else { return false }
                    // What was read is whole: it joins, and it is written as it was read.
                    return read.joined(with: state).covers(read) && read.encoded() == bytes
                }, state.encoded()
            )
        }
        return [sample(map), sample(register), sample(words), sample(counter), sample(set), sample(map.context), presence()]
    }

    /// What replicas say of themselves; it has the frame of a state.
    private static func presence() -> (decode: @Sendable ([UInt8]) -> Bool, bytes: [UInt8]) {
        let messages = (0..<3).map { number in
            Presence.Message(
                origin: OriginID(rawValue: UInt64(number) << 40), number: 1 << UInt64(20 * number),
                state: [.string("é"), .bytes([1, 2]), nil][number], timeToLive: 30_000)
        }
        return (
            { bytes in
                guard let read = try? Presence.decode(bytes) else { return false }
                var presence = Presence(origin: OriginID(rawValue: 1), number: 0)
                _ = try? presence.hear(bytes, now: .max >> 16)
                _ = presence.expire(now: 0)
                return read.isEmpty || Presence.encode(read) == [bytes]
            }, Presence.encode(messages)[0]
        )
    }

    // MARK: - Mutating

    private static func mutate(_ bytes: [UInt8], _ random: inout CheckRandom) -> [UInt8] {
        var bytes = bytes
        for _ in 0...random.below(3) where !bytes.isEmpty {
            let at = random.below(bytes.count)
            switch random.below(6) {
            case 0: bytes[at] ^= 1 << UInt8(random.below(8))
            case 1: bytes[at] = UInt8(random.below(256))
            case 2: bytes[at] = [0, 0x7F, 0x80, 0xFF][random.below(4)]
            case 3: bytes.removeSubrange(at..<min(bytes.count, at + 1 + random.below(4)))
            case 4: bytes.insert(contentsOf: (0...random.below(4)).map { _ in UInt8(random.below(256)) }, at: at)
            default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 1 + random.below(8))], at: at)
            }
        }
        return bytes
    }

    /// Repairs length and checksum, so that mutations reach what lies behind them. Chunks and states have one header.
    static func reframed(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count > 16 else { return bytes }
        var bytes = bytes
        let length = UInt32(bytes.count - 16)
        for byte in 0..<4 { bytes[8 + byte] = UInt8(truncatingIfNeeded: length >> UInt32(byte * 8)) }
        let checksum = CRC.checksum(bytes[16...], after: CRC.checksum(bytes[..<12], after: 0))
        for byte in 0..<4 { bytes[12 + byte] = UInt8(truncatingIfNeeded: checksum >> UInt32(byte * 8)) }
        return bytes
    }

    // MARK: - Checking

    struct Tally {
        var refused = 0
        var taken = 0
    }

    /// Histories into a document that has something, until one is taken; then into a new one.
    static func histories(_ samples: Samples, seed: Int, count: Int) throws -> Tally {
        var random = CheckRandom(seed: seed &+ 40)
        var tally = Tally()
        var document = Document(origin: OriginID(rawValue: 50), now: { 1000 })
        var before: [UInt8] = []
        for round in 0..<count {
            if before.isEmpty {
                document = Document(origin: OriginID(rawValue: 50), now: { 1000 })
                document.change { $0.text("t").insert("kept", at: 0) }
                if round % 3 == 0 { try document.merge(samples.history) }
                before = document.snapshot()
            }
            var bytes = mutate(samples.history, &random)
            if random.chance(90) { bytes = reframed(bytes) }
            if round % 8 == 7 { try slices(bytes, &random) }
            do {
                try document.merge(bytes)
                tally.taken += 1
                try goOn(document)
                before = []
            } catch is DocumentError {
                tally.refused += 1
                try require(document.snapshot() == before, "seed \(seed), round \(round): a refused history left something behind")
            }
        }
        return tally
    }

    /// In slices: what was taken before the damage is a document.
    private static func slices(_ bytes: [UInt8], _ random: inout CheckRandom) throws {
        let document = Document(origin: OriginID(rawValue: 50), now: { 1000 })
        var work = DocumentImport(bytes)
        do { while !work.isDone { try work.step(into: document) { random.chance(50) } } } catch {}
        try require(work.isDone, "an import that was refused is not done")
        try goOn(document)
    }

    /// Uses a document that holds what bytes said.
    private static func goOn(_ document: Document) throws {
        document.change { change in
            change.text("t").insert("!", at: 0)
            change.text("t").mark(0..<1, in: .scalars, "bold", expansion: .after)
            change.list("l").append("!")
            if change.list("l").count > 2 { change.list("l").move(from: 0, to: 2) }
            if change.list("l").count > 2 { change.list("l").remove(at: 1) }
            change.map("m")["k"] = 1
            change.set("s").insert(false)
        }
        _ = Plain(document)
        _ = document.text("t").runs
        _ = document.snapshot()
        _ = try? document.history()
    }

    static func snapshots(_ samples: Samples, seed: Int, count: Int) throws -> Tally {
        var random = CheckRandom(seed: seed &+ 80)
        var tally = Tally()
        for _ in 0..<count {
            var bytes = mutate(samples.snapshot, &random)
            if random.chance(90) { bytes = reframed(bytes) }
            do {
                let document = try Document(origin: OriginID(rawValue: 50), snapshot: bytes, now: { 1000 })
                tally.taken += 1
                try goOn(document)
                _ = try? document.merge(samples.history)
            } catch is DocumentError { tally.refused += 1 }
        }
        return tally
    }

    static func frames(_ samples: Samples, seed: Int, count: Int) throws -> Tally {
        var random = CheckRandom(seed: seed &+ 120)
        var tally = Tally()
        var done = 0
        while done < count {
            let document = Document(origin: OriginID(rawValue: 50), now: { 1000 })
            var decoder = UpdateDecoder()
            let damaged = random.below(samples.frames.count)
            for index in 0..<damaged { _ = try decoder.apply(samples.frames[index], to: document) }
            let before = document.snapshot()
            done += 1
            do {
                _ = try decoder.apply(mutate(samples.frames[damaged], &random), to: document)
                tally.taken += 1
                for frame in samples.frames[(damaged + 1)...] { _ = try? decoder.apply(frame, to: document) }
            } catch {
                tally.refused += 1
                try require(document.snapshot() == before, "seed \(seed), round \(done): a refused frame left something behind")
            }
        }
        return tally
    }

    static func states(_ samples: Samples, seed: Int, count: Int) throws -> Tally {
        var random = CheckRandom(seed: seed &+ 160)
        var tally = Tally()
        for round in 0..<count {
            let sample = samples.states[round % samples.states.count]
            var bytes = mutate(sample.bytes, &random)
            if random.chance(90) { bytes = reframed(bytes) }
            if sample.decode(bytes) { tally.taken += 1 } else { tally.refused += 1 }
        }
        return tally
    }

    /// Small inputs that claim to be large: refused before anything is allocated for them.
    static func bombs() throws {
        // A history whose first column claims 2 MiB and brings a few bytes: one letter, so many times.
        var body: [UInt8] = [1] + [7, 0, 0, 0, 0, 0, 0, 0] + [1, 0, 0, 1, 0x61] + [1]
        body += [1] + [0x80, 0x80, 0x80, 0x01] + [10] + [2, 0x80, 0x80, 0x80, 0x01, 0x61, 0, 0, 0, 0]
        for _ in 0..<10 { body += [0, 0] }
        let chunk = reframed([0x53, 0x4B, 0x44, 0x43, 1, 1] + Array(repeating: 0, count: 10) + body)
        let document = Document(origin: OriginID(rawValue: 9))
        Memory.resetPeak()
        let before = Memory.peak
        do {
            try document.merge(chunk)
            throw CheckFailure("a column of 2 MiB from ten bytes was taken")
        } catch let error as DocumentError {
            try require(error.code == .corrupt || error.code == .limitExceeded, "\(error)")
        }
        try require(Memory.peak - before < 1 << 20, "a few bytes took \(Memory.peak - before) bytes")
    }
}

/// The checksum of RFC 3720, a bit at a time.
enum CRC {
    static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82F6_3B78 }
    }

    static func checksum(_ bytes: ArraySlice<UInt8>, after before: UInt32) -> UInt32 {
        ~bytes.reduce(~before) { crc, byte in crc >> 8 ^ table[Int((crc ^ UInt32(byte)) & 0xFF)] }
    }
}
