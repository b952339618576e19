import SkerryStorage
import Testing

// Fault model: that of MemoryFileLayer. Power goes at any call of the file layer; of what was not synced, nothing, all, any first part or
// any drawn part of its sectors and names is left. One thread, so a run follows from its cut, its residue and its seed.

/// What was written to a log, and how far it was promised.
struct Script {
    /// Numbers of the records in the order in which they were handed over; the last of them may have failed.
    var attempted: [Int] = []
    /// How many of ``attempted`` the last completed sync covered.
    var synced = 0

    /// Appends, syncs, rotates and seals until the end or the first error.
    mutating func run(on log: any PackEngine, from start: Int = 0) throws(StorageError) {
        for round in start..<start + 12 {
            let batch = (0..<round % 4 + 1).map { round * 10 + $0 }
            attempted += batch
            _ = try log.append(batch.map { record($0) })
            if round % 3 != 1 {
                try log.sync()
                synced = attempted.count
            }
            if round % 5 == 4 { try log.seal() }
        }
    }
}

func openLog(_ files: MemoryFileLayer, applied: LogPosition = .start, capacity: UInt64 = 1500) throws(StorageError) -> PackLog<
    MemoryFileLayer
> {
    try PackLog(files: files, directory: "packs", applied: applied, configuration: smallPacks(capacity))
}

@Suite("A log after a crash")
struct PackCrashTests {
    /// A script that is cut short by a loss of power before the `cut`th call of the file layer.
    private func runScript(cutAfter cut: Int) -> (MemoryFileLayer, Script) {
        let files = MemoryFileLayer()
        files.inject(FileFault(nil, after: cut, isLasting: true))
        var script = Script()
        do { try script.run(on: openLog(files)) } catch {}
        return (files, script)
    }

    /// Calls that an undisturbed script makes.
    private func callCount() throws -> Int {
        let files = MemoryFileLayer()
        var script = Script()
        try script.run(on: openLog(files))
        return files.operationCount
    }

    /// What was synced is there; what else is there is a first part of what followed, in order.
    private func check(_ numbers: [Int], _ script: Script, _ circumstances: @autoclosure () -> String) {
        #expect(numbers.count >= script.synced, "synced records are lost: \(circumstances())")
        #expect(numbers == Array(script.attempted.prefix(numbers.count)), "\(circumstances())")
    }

    @Test("at whatever call power goes, synced records are there, in order and whole")
    func everyCut() throws {
        let total = try callCount()
        #expect(total > 60)
        for cut in 0...total {
            let (files, script) = runScript(cutAfter: cut)
            for residue in [.synced, .everything] + (1...8).map(CrashResidue.drawn(seed:)) {
                let crashed = files.copy()
                crashed.crash(keeping: residue)
                let log = try openLog(crashed)
                check(try log.numbers(), script, "cut \(cut), residue \(residue)")
                for entry in try log.records() { #expect(entry.record.equals(record(number(of: entry.record)))) }
            }
        }
    }

    @Test("at whatever byte of whatever write power goes, nothing half written is seen")
    func everyTear() throws {
        let total = try callCount()
        for cut in stride(from: 3, through: total, by: 2) {
            let (files, script) = runScript(cutAfter: cut)
            for operations in 0..<files.unsyncedCount {
                let count = files.unsyncedBytes(at: operations)
                for bytes in Set([0, 1, 4, 31, 32, 33, count / 2, count - 5, count - 1]) where bytes >= 0 && bytes <= count {
                    let crashed = files.copy()
                    crashed.crash(keeping: .prefix(operations: operations, bytes: bytes))
                    check(try openLog(crashed).numbers(), script, "cut \(cut), \(operations) operations and \(bytes) bytes")
                }
            }
        }
    }

    @Test("what lay behind a tear never comes back, crash after crash", arguments: 1...60 as ClosedRange<UInt64>)
    func crashesInARow(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let files = MemoryFileLayer()
        var kept: [Int] = []
        for life in 0..<6 {
            files.inject(FileFault(nil, after: Int.random(in: 0..<90, using: &generator), isLasting: true))
            var script = Script()
            do { try script.run(on: openLog(files), from: life * 20) } catch {}
            files.crash(keeping: .drawn(seed: generator.next()))
            // Opening mends; a crash in the middle of that must not harm what was mended before.
            files.inject(FileFault(nil, after: Int.random(in: 0..<20, using: &generator), isLasting: true))
            _ = try? openLog(files)
            files.crash(keeping: .drawn(seed: generator.next()))
            let numbers = try openLog(files).numbers()
            #expect(Array(numbers.prefix(kept.count)) == kept, "seed \(seed), life \(life)")
            check(Array(numbers.dropFirst(kept.count)), script, "seed \(seed), life \(life)")
            // What a reader was shown after the restart is durable from then on.
            files.crash(keeping: .synced)
            kept = numbers
            #expect(try openLog(files).numbers() == kept, "seed \(seed), life \(life)")
        }
    }

    @Test("sound records behind a torn one are neither replayed now nor after the next crash")
    func staleRecords() throws {
        let files = MemoryFileLayer()
        let log = try openLog(files, capacity: 1 << 16)
        _ = try log.append([record(1)])
        try log.sync()
        // Three unsynced appends, of which the disk wrote back the second and the third.
        let torn = try log.append([record(2, bodyCount: 600)])[0]
        _ = try log.append([record(3, bodyCount: 600)])
        _ = try log.append([record(4, bodyCount: 600)])
        files.crash(keeping: .everything)
        try files.corrupt("packs/0000000000000001.pack", at: torn.bodyOffset) { $0 ^= 1 }
        #expect(try openLog(files).numbers() == [1])
        files.crash(keeping: .synced)
        let again = try openLog(files)
        #expect(try again.numbers() == [1])
        let location = try again.append([record(5)])[0]
        #expect(location.position.pack == 2)
        try again.sync()
        files.crash(keeping: .everything)
        #expect(try openLog(files).numbers() == [1, 5])
    }

    @Test("a record that says it was written after a sync turns a tear before that sync into damage")
    func damageBeforeSyncIsNoTear() throws {
        let files = MemoryFileLayer()
        let log = try openLog(files, capacity: 1 << 16)
        let first = try log.append([record(1)])[0]
        try log.sync()
        _ = try log.append([record(2)])
        try log.sync()
        try files.corrupt("packs/0000000000000001.pack", at: first.position.offset + 33) { $0 ^= 0x10 }
        files.crash(keeping: .everything)
        let error = #expect(throws: StorageError.self) { _ = try openLog(files) }
        #expect(error?.code == .corrupt)
        #expect(error?.message.contains("pack 1 is damaged at offset 64") == true)
        #expect(error?.path == "packs/0000000000000001.pack")
    }

    @Test("records of the same sync behind a damaged one do not hide that a later one knows it was on disk")
    func damageAmongRecordsOfOneSync() throws {
        let files = MemoryFileLayer()
        let log = try openLog(files, capacity: 1 << 16)
        let first = try log.append([record(1), record(2), record(3)])[0]
        try log.sync()
        _ = try log.append([record(4)])
        try log.sync()
        try files.corrupt("packs/0000000000000001.pack", at: first.position.offset + 33) { $0 ^= 0x10 }
        files.crash(keeping: .everything)
        let error = #expect(throws: StorageError.self) { _ = try openLog(files) }
        #expect(error?.code == .corrupt)
    }

    @Test("damage before the position that was applied is damage, even at the end of the log")
    func damageBeforeApplied() throws {
        let files = MemoryFileLayer()
        let log = try openLog(files, capacity: 1 << 16)
        _ = try log.append([record(1)])
        let last = try log.append([record(2, bodyCount: 100)])[0]
        try log.sync()
        files.crash(keeping: .everything)
        try files.corrupt("packs/0000000000000001.pack", at: last.bodyOffset + 3) { $0 ^= 1 }
        // The search for the end begins at the applied position; reading what lies before it finds the damage.
        let trusting = try openLog(files.copy(), applied: last.end)
        let replay = #expect(throws: StorageError.self) { _ = try trusting.records() }
        #expect(replay?.code == .corrupt)
        #expect(replay?.message.contains("offset \(last.position.offset)") == true)
        let read = #expect(throws: StorageError.self) { _ = try trusting.read(last) }
        #expect(read?.code == .corrupt)
        let verify = #expect(throws: StorageError.self) { try trusting.open(pack: 1).verifyOnce(last) }
        #expect(verify?.code == .corrupt)
    }

    @Test("damage in a pack that has a successor names pack and offset", arguments: [0, 9, 64, 70, 96, 300])
    func damageInSealedPack(offset: UInt64) throws {
        let files = MemoryFileLayer()
        let log = try openLog(files)
        _ = try log.append([record(1, bodyCount: 400)])
        try log.seal()
        _ = try log.append([record(2)])
        try log.close()
        try files.corrupt("packs/0000000000000001.pack", at: offset) { $0 ^= 0x80 }
        let error = #expect(throws: StorageError.self) { _ = try openLog(files).records() }
        #expect(error?.code == .corrupt)
        #expect(error?.path == "packs/0000000000000001.pack")
        if offset >= 64 { #expect(error?.message.contains("pack 1 is damaged at offset 64") == true) }
    }

    @Test("a pack that lost its end is damaged where it ends")
    func shortPack() throws {
        let files = MemoryFileLayer()
        let log = try openLog(files)
        let location = try log.append([record(1, bodyCount: 400)])[0]
        try log.seal()
        _ = try log.append([record(2)])
        try log.close()
        let file = try files.open("packs/0000000000000001.pack", .write)
        try file.truncate(to: location.end.offset - 1)
        let error = #expect(throws: StorageError.self) { _ = try openLog(files) }
        #expect(error?.code == .corrupt)
        #expect(error?.message.contains("ends at \(location.end.offset - 1)") == true)
    }

    @Test("a pack stored as an object's body inside a pack is not taken for records")
    func embeddedPack() throws {
        let files = MemoryFileLayer()
        let log = try openLog(files, capacity: 1 << 16)
        for number in 0..<5 {
            _ = try log.append([record(number)])
            try log.sync()
        }
        let file = try files.open("packs/0000000000000001.pack", .read)
        let bytes = try file.read(at: 0, count: 2000)
        let embedded = try log.append([LogRecord(kind: LogRecord.Kind(rawValue: 9), fields: [9, 0], body: bytes[...])])[0]
        // Its header is torn, its body, full of sound records of this very pack, is not.
        files.crash(keeping: .everything)
        try files.corrupt("packs/0000000000000001.pack", at: embedded.position.offset) { $0 = 0 }
        #expect(try openLog(files).numbers() == Array(0..<5))
    }
}

@Suite("A log whose disk fails")
struct PackFailureTests {
    /// Runs a script that goes on after errors, as a server does. Returns what is visible, and how much of it was synced.
    private func persist(on log: any PackEngine) -> (visible: [Int], synced: Int) {
        var visible: [Int] = []
        var synced = 0
        for round in 0..<12 {
            let batch = (0..<round % 4 + 1).map { round * 10 + $0 }
            do throws(StorageError) {
                _ = try log.append(batch.map { record($0) })
                visible += batch
                try log.sync()
                synced = visible.count
                if round % 5 == 4 { try log.seal() }
            } catch {
                #expect([.full, .failed, .unavailable].contains(error.code), "\(error)")
            }
        }
        return (visible, synced)
    }

    @Test(
        "whatever call fails, with whatever error, the log shows what it promised and nothing else", arguments: FileFault.Operation.allCases
    )
    func everyOperation(operation: FileFault.Operation) throws {
        for after in 0..<12 {
            for code in [StorageError.Code.full, .failed] {
                for bytesWritten in [0, 40, 1000] where bytesWritten == 0 || operation == .write {
                    let files = MemoryFileLayer()
                    let log = try openLog(files)
                    files.inject(FileFault(operation, after: after, code: code, bytesWritten: bytesWritten))
                    let (visible, synced) = persist(on: log)
                    files.heal()
                    let circumstances = "\(operation) fails with \(code) after \(after), \(bytesWritten) bytes written"
                    #expect(try log.numbers() == visible, "\(circumstances)")
                    for residue in [CrashResidue.synced, .everything, .drawn(seed: 1), .drawn(seed: 2)] {
                        let crashed = files.copy()
                        crashed.crash(keeping: residue)
                        let numbers = try openLog(crashed).numbers()
                        #expect(numbers.count >= synced, "\(circumstances), \(residue)")
                        #expect(numbers == Array(visible.prefix(numbers.count)), "\(circumstances), \(residue)")
                    }
                }
            }
        }
    }

    @Test("after a failed sync nothing is written any more, and reading goes on")
    func failedSync() throws {
        let files = MemoryFileLayer()
        let log = try openLog(files)
        _ = try log.append([record(1)])
        try log.sync()
        let location = try log.append([record(2)])[0]
        files.inject(FileFault(.syncData))
        let first = #expect(throws: StorageError.self) { try log.sync() }
        #expect(first?.code == .failed)
        let syncs = files.count(of: .syncData)
        let calls: [() throws -> Void] = [
            { try log.sync() }, { _ = try log.append([record(3)]) }, { try log.seal() }, { try log.remove(pack: 1) },
        ]
        for call in calls {
            let error = #expect(throws: StorageError.self) { try call() }
            #expect(error?.code == .failed)
        }
        #expect(files.count(of: .syncData) == syncs, "it asked the disk again")
        #expect(try log.read(location).equals(record(2)))
        try log.close()
        files.crash(keeping: .everything)
        #expect(try openLog(files).numbers() == [1])
    }

    @Test("a write that fails in the middle leaves the log as it was, and the next append begins a new pack")
    func failedWrite() throws {
        let files = MemoryFileLayer()
        let log = try openLog(files)
        _ = try log.append([record(1)])
        let end = log.end
        files.inject(FileFault(.write, code: .full, bytesWritten: 200))
        let error = #expect(throws: StorageError.self) { _ = try log.append([record(2, bodyCount: 20), record(3, bodyCount: 300)]) }
        #expect(error?.code == .full)
        #expect(log.end == end)
        #expect(try log.numbers() == [1])
        #expect(try log.append([record(4)])[0].position.pack == 2)
        try log.sync()
        files.crash(keeping: .everything)
        #expect(try openLog(files).numbers() == [1, 4])
    }

    @Test("a full disk refuses the append, and takes it when there is room again")
    func fullDisk() throws {
        let files = MemoryFileLayer(capacity: 4000)
        let log = try openLog(files)
        var written: [Int] = []
        var refusal: StorageError?
        for number in 0..<100 where refusal == nil {
            do throws(StorageError) {
                _ = try log.append([record(number, bodyCount: 200)])
                written.append(number)
                try log.sync()
            } catch {
                refusal = error
            }
        }
        #expect(refusal?.code == .full)
        #expect(written.count > 10, "room for smaller packs was left unused")
        #expect(try log.numbers() == written)
        files.setCapacity(10_000)
        _ = try log.append([record(500)])
        try log.sync()
        files.crash(keeping: .synced)
        #expect(try openLog(files).numbers() == written + [500])
    }

    @Test("syncs of one moment share one call of the disk")
    func syncIsShared() async throws {
        let files = MemoryFileLayer()
        let log = try openLog(files, capacity: 1 << 20)
        _ = try log.append([record(1)])
        let before = files.count(of: .syncData)
        try log.sync()
        #expect(files.count(of: .syncData) == before + 1)
        try log.sync()
        #expect(files.count(of: .syncData) == before + 1, "nothing was new")
        let pool = try BlockingPool(threads: 8)
        _ = try log.append([record(2)])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { try await pool.run { () throws(StorageError) in try log.sync() } } }
            try await group.waitForAll()
        }
        await pool.shutdown()
        #expect(files.count(of: .syncData) == before + 2)
    }

    @Test("a pack is synced, and its name too, before its first record is written")
    func packIsDurableBeforeUse() throws {
        let files = MemoryFileLayer()
        let log = try openLog(files)
        for number in 0..<30 {
            _ = try log.append([record(number)])
            // Only the records of this append are unsynced, never a pack's header or name.
            #expect(files.unsyncedCount == 1)
            try log.sync()
            #expect(files.unsyncedCount == 0)
        }
    }

    @Test("files do not stay open: one for writing and the cached ones")
    func filesAreClosed() throws {
        let files = MemoryFileLayer()
        var configuration = smallPacks(600)
        configuration.openPacksMaximum = 3
        let log = try PackLog(files: files, directory: "packs", configuration: configuration)
        var locations: [RecordLocation] = []
        for number in 0..<40 { locations += try log.append([record(number)]) }
        for location in locations { _ = try log.read(location) }
        #expect(files.openCount <= 4)
        try log.close()
        #expect(files.openCount == 0)
    }
}
