import Synchronization
import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("Imports in slices")
struct ImportTests {
    @Test("leave what one import leaves, however they are cut", arguments: 0..<Soak.count(12, soak: 500))
    func slices(seed: Int) throws { try Slices.run(seed: seed) }

    @Test("take a run of any length", arguments: LongRuns.Shape.allCases, [129, 256, 1_000])
    func longRuns(shape: LongRuns.Shape, operations: Int) throws { try LongRuns.alone(shape, operations: operations) }

    @Test("take long runs beside other branches and own changes", arguments: LongRuns.Shape.allCases)
    func branches(shape: LongRuns.Shape) throws { try LongRuns.branches(shape, operations: 600) }

    @Test("stop at damage, and what came before it is a document")
    func fault() throws { try Slices.fault() }

    /// A history long enough for several pieces.
    private func written() -> Document {
        let document = Document(origin: OriginID(rawValue: 1), now: { 1_000_000 })
        for number in 0..<1_000 { document.change { $0.text("t").insert("\(number) ", at: number % 7) } }
        return document
    }

    @Test("let a document be read, changed and watched between two slices")
    func between() throws {
        let one = written()
        let two = Document(origin: OriginID(rawValue: 2), now: { 1_000_000 })
        let mirror = document_checks.Mirror(two)
        var work = DocumentImport(try one.history(chunkMaximum: 2_048))
        var slices = 0
        while !work.isDone {
            try work.step(into: two) { false }
            try mirror.check()
            if slices % 5 == 0 { two.change { $0.text("t").insert("two", at: 0) } }
            slices += 1
        }
        #expect(slices > 10 && work.result.applied == Int(one.version.sequence(of: one.origin)))
        try one.merge(two)
        #expect(two.text("t").string == one.text("t").string)
    }

    @Test("wait for what is missing as other imports do")
    func missing() throws {
        let one = written()
        let early = one.version
        one.change { $0.text("t").insert("later", at: 0) }
        let two = Document(origin: OriginID(rawValue: 2))
        var work = DocumentImport(try one.history(since: early))
        while !work.isDone { try work.step(into: two) { true } }
        #expect(work.result.applied == 0 && work.result.missing != nil && two.pending.events == 5)
        try two.merge(one)
        #expect(two.text("t").string == one.text("t").string && two.pending.events == 0)
    }

    @Test("run on the caller's actor and let others run, and end with the task")
    @MainActor
    func onAnActor() async throws {
        let one = written()
        let two = Document(origin: OriginID(rawValue: 2))
        let bytes = try one.history(chunkMaximum: 1_024)
        let others = Mutex(0)
        let other = Task { @MainActor in
            while !Task.isCancelled {
                others.withLock { $0 += 1 }
                await Task.yield()
            }
        }
        let result = try await two.merge(bytes, inSlicesOf: .zero)
        other.cancel()
        #expect(result.missing == nil && two.text("t").string == one.text("t").string)
        #expect(others.withLock { $0 } > 10)
        let third = Document(origin: OriginID(rawValue: 3))
        let cancelled = Task { @MainActor in
            withUnsafeCurrentTask { $0?.cancel() }
            return try await third.merge(bytes, inSlicesOf: .zero)
        }
        #expect(try await cancelled.value.applied == 0)
    }
}
