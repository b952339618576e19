import Testing

@testable import SkerryCRDT

/// Mutated bytes against every decoder: no trap, no half-taken input.
@Suite("Hostile bytes")
struct FuzzTests {
    private static let seed = makeSeed()

    private struct Seed {
        var history: [UInt8]
        var snapshot: [UInt8]
        var frames: [[UInt8]]
    }

    private static func makeSeed() -> Seed {
        let one = Document(origin: OriginID(rawValue: 1), now: { 1000 }), two = Document(origin: OriginID(rawValue: 2), now: { 1000 })
        var encoder = UpdateEncoder()
        var frames: [[UInt8]] = []
        for round in 0..<6 {
            one.change { $0.text("t").insert("héllo \(round)", at: 0) }
            two.change { change in
                change.text("t").insert("wörld 😀", at: 0)
                change.list("l").append("two")
                change.map("m").map("n")["k"] = .int(Int64(round))
            }
            one.change { change in
                change.map("m")["k"] = .bytes([1, 2, 3])
                change.list("l").insert(.double(0.5), at: 0)
                change.list("l").append(.null)
                change.list("l").move(from: 0, to: 1)
                change.list("l")[0] = "v"
                if round == 3 { change.list("l").remove(at: 0) }
                change.set("s").insert(true)
                change.counter("c") += 3
                change.register("r").value = "x"
            }
            one.change { $0.text("t").delete(0..<1) }
            one.change { change in
                change.text("u").insert("other", at: 0)
                change.text("u").mark(0..<3, "bold", expansion: .both)
                change.text("t").mark(1..<4, in: .scalars, "colour", .int(Int64(round)), expansion: .none)
                change.text("t").delete(2..<3, in: .scalars)
                change.text("t").unmark(0..<1, in: .scalars, "bold")
            }
            two.change { $0.text("t").mark(0..<4, in: .scalars, "link", "u", expansion: .before) }
            if round % 2 == 0 {
                _ = try? one.merge((try? two.history()) ?? [])
                _ = try? two.merge((try? one.history()) ?? [])
            }
            if let frame = try? encoder.encode(one) { frames.append(frame) }
        }
        return Seed(history: (try? one.history()) ?? [], snapshot: one.snapshot(), frames: frames)
    }

    private func mutate(_ bytes: [UInt8], _ random: inout TestRandom) -> [UInt8] {
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

    /// Repairs length and checksum, so that mutations reach what lies behind them.
    private func reframed(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count > Chunk.headerLength, let kind = Chunk.Kind(rawValue: bytes[5]) else { return bytes }
        var body = ByteWriter(), result = ByteWriter()
        bytes[Chunk.headerLength...].withUnsafeBufferPointer { body.write($0) }
        Chunk.wrap(kind, body, hasMarks: bytes[4] == Chunk.versionWithMarks, into: &result)
        return result.finish()
    }

    @Test("never trap, and leave the document as it was when they are refused", arguments: 0..<8)
    func history(part: Int) throws {
        var random = TestRandom(seed: part &+ 40)
        var refused = 0, taken = 0
        for round in 0..<Soak.count(120, soak: 120_000) {
            let document = Document(origin: OriginID(rawValue: 50), now: { 1000 })
            document.change { $0.text("t").insert("kept", at: 0) }
            if round % 3 == 0 { try document.merge(Self.seed.history) }
            let before = document.snapshot()
            var bytes = mutate(Self.seed.history, &random)
            if random.chance(90) { bytes = reframed(bytes) }
            do {
                try document.merge(bytes)
                taken += 1
            } catch {
                refused += 1
                #expect(document.snapshot() == before)
            }
            document.change { change in
                change.text("t").insert("!", at: 0)
                change.list("l").append("!")
                if change.list("l").count > 2 { change.list("l").move(from: 0, to: 2) }
                change.map("m")["k"] = 1
            }
            _ = Plain(document)
            _ = try document.history()
        }
        #expect(refused > 0 && taken > 0, "\(refused) refused, \(taken) taken")
    }

    @Test("as snapshots never trap", arguments: 0..<4)
    func snapshots(part: Int) throws {
        var random = TestRandom(seed: part &+ 80)
        var refused = 0
        for _ in 0..<Soak.count(500, soak: 200_000) {
            var bytes = mutate(Self.seed.snapshot, &random)
            if random.chance(90) { bytes = reframed(bytes) }
            do {
                let document = try Document(origin: OriginID(rawValue: 50), snapshot: bytes, now: { 1000 })
                document.change { change in
                    change.text("t").insert("!", at: 0)
                    if change.text("t").count() > 3 { change.text("t").mark(0..<1, "bold") }
                    change.list("l").append("!")
                    if change.list("l").count > 2 { change.list("l").move(from: 0, to: 2) }
                    if change.list("l").count > 2 { change.list("l").remove(at: 1) }
                    change.set("s").insert(false)
                }
                _ = Plain(document)
                _ = document.snapshot()
                _ = try? document.merge(Self.seed.history)
            } catch { refused += 1 }
        }
        #expect(refused > 0)
    }

    @Test("as update frames never trap, and a refused frame changes nothing", arguments: 0..<8)
    func frames(part: Int) throws {
        var random = TestRandom(seed: part &+ 120)
        var refused = 0
        for _ in 0..<Soak.count(300, soak: 120_000) {
            let document = Document(origin: OriginID(rawValue: 50), now: { 1000 })
            var decoder = UpdateDecoder()
            let damaged = random.below(Self.seed.frames.count)
            for (index, frame) in Self.seed.frames.enumerated() {
                let before = document.snapshot()
                do {
                    _ = try decoder.apply(index == damaged ? mutate(frame, &random) : frame, to: document)
                } catch {
                    refused += 1
                    #expect(document.snapshot() == before)
                    break
                }
            }
            document.change { $0.text("t").insert("!", at: 0) }
            _ = document.text("t").runs
        }
        #expect(refused > 0)
    }

    @Test("damage is told apart: not ours, cut short, flipped, newer")
    func kinds() {
        func code(_ bytes: [UInt8]) -> DocumentError.Code? {
            do {
                try Document(origin: OriginID(rawValue: 50), now: { 1000 }).merge(bytes)
                return nil
            } catch { return error.code }
        }
        let good = Self.seed.history
        #expect(code(good) == nil)
        #expect(code(Array("GIF89a-and-so-on".utf8)) == .corrupt)
        #expect(code(Array(good.dropLast())) == .corrupt)
        var flipped = good
        flipped[good.count / 2] ^= 4
        #expect(code(flipped) == .corrupt)
        var newer = good
        newer[4] = 9
        let header = newer[..<12].withUnsafeBufferPointer { CRC32C.checksum($0) }
        let checksum = newer[16...].withUnsafeBufferPointer { CRC32C.checksum($0, after: header) }
        for byte in 0..<4 { newer[12 + byte] = UInt8(truncatingIfNeeded: checksum >> UInt32(byte * 8)) }
        #expect(code(newer) == .unsupportedVersion)
        #expect(code(Self.seed.snapshot) == .mismatch)
    }

    @Test("an event that reaches outside its text is refused with its name")
    func outOfBounds() throws {
        let writer = Document(origin: OriginID(rawValue: 7))
        writer.change { $0.text("t").insert("abc", at: 0) }
        for (kind, position, count) in [(ChangeBatch.Operation.Kind.deletion, 2, 2), (.insertion, 4, 1), (.deletion, 0, 4)] {
            for isConcurrent in [false, true] {
                var batch = ChangeBatch()
                batch.origins = [OriginID(rawValue: 7), OriginID(rawValue: 8)]
                batch.containers = [ChangeBatch.Container(parent: ContainerTable.root, key: "t", kind: .text, depth: 1)]
                batch.parents.append(ChangeBatch.Parent(origin: 0, sequence: isConcurrent ? 1 : 2))
                batch.runs.append(
                    ChangeBatch.Run(
                        origin: 1, sequence: 0, count: UInt32(count), parents: 0, parentCount: 1, operations: 0, operationCount: 1))
                batch.bytes.append(repeating: 65, count: count)
                // Having seen two of the three characters, a position is out of bounds one earlier.
                batch.operations.append(
                    ChangeBatch.Operation(
                        container: 0, kind: kind, count: UInt32(count), position: UInt32(position), content: 0, contentCount: UInt32(count))
                )
                let before = writer.snapshot()
                let error = #expect(throws: DocumentError.self) { try writer.apply(batch) }
                #expect(error?.code == .invalidEvent)
                #expect(error?.message.contains("0000000000000008") == true)
                #expect(writer.snapshot() == before)
            }
        }
        writer.change { $0.text("t").insert("d", at: 3) }
        #expect(writer.text("t").string == "abcd")
    }
}
