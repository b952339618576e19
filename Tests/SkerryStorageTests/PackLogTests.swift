import SkerryRocksDB
import SkerryStorage
import Testing

@Suite("Pack engines")
struct PackLogTests {
    @Test("records come back in order, whole, where they were said to stand", arguments: FileLayerKind.allCases)
    func roundTrip(kind: FileLayerKind) throws {
        try kind.withLog { open in
            let log = try open(.start)
            #expect(log.end == .start)
            var locations: [RecordLocation] = []
            for number in 0..<100 { locations += try log.append([record(number), record(number + 1000)]) }
            let replayed = try log.records()
            #expect(replayed.map(\.location) == locations)
            #expect(log.end == locations.last?.end)
            for (index, entry) in replayed.enumerated() {
                let expected = record(index / 2 + (index % 2) * 1000)
                #expect(entry.record.equals(expected))
                #expect(try log.read(entry.location).equals(expected))
            }
            #expect(locations == locations.sorted { $0.position < $1.position })
            try log.close()
        }
    }

    @Test("all records of one append lie in one pack, however large", arguments: FileLayerKind.allCases)
    func appendIsInOnePack(kind: FileLayerKind) throws {
        try kind.withLog { open in
            let log = try open(.start)
            for round in 0..<20 {
                let locations = try log.append((0..<5).map { record(round * 5 + $0, bodyCount: 200) })
                #expect(Set(locations.map(\.position.pack)).count == 1)
            }
            let large = try log.append([record(100, bodyCount: 100_000), record(101, bodyCount: 70_000), record(102, bodyCount: 10)])
            #expect(Set(large.map(\.position.pack)).count == 1)
            #expect(try log.read(large[1]).equals(record(101, bodyCount: 70_000)))
            #expect(try log.numbers() == Array(0...102))
            let packs = try log.packs()
            #expect(packs.count > 3)
            let unsealed = packs.filter { !$0.isSealed }
            #expect(unsealed == packs.suffix(1))
            #expect(packs.map(\.number) == (1...UInt64(packs.count)).map { $0 })
            try log.close()
        }
    }

    @Test("a log opened again goes on behind what it holds, in a new pack", arguments: FileLayerKind.allCases)
    func reopen(kind: FileLayerKind) throws {
        try kind.withLog { open in
            var expected: [Int] = []
            for session in 0..<4 {
                let log = try open(.start)
                let end = log.end
                #expect(try log.numbers() == expected)
                let location = try log.append([record(session)])[0]
                #expect(location.position.pack == UInt64(session) + 1)
                #expect(location.position > end)
                expected.append(session)
                try log.close()
            }
        }
    }

    @Test("replay begins at the position it is given, and ends when it is told", arguments: FileLayerKind.allCases)
    func replayFromPosition(kind: FileLayerKind) throws {
        try kind.withLog { open in
            let log = try open(.start)
            var locations: [RecordLocation] = []
            for number in 0..<60 { locations += try log.append([record(number)]) }
            for (index, location) in locations.enumerated() {
                #expect(try log.numbers(from: location.position) == Array(index..<60))
                #expect(try log.numbers(from: location.end) == Array(index + 1..<60))
            }
            var seen = 0
            try log.replay(from: .start) { _, _ throws(StorageError) in
                seen += 1
                return seen < 10
            }
            #expect(seen == 10)
            try log.close()
        }
    }

    @Test("a log told how far it was applied searches its end from there only", arguments: FileLayerKind.allCases)
    func opensFromAppliedPosition(kind: FileLayerKind) throws {
        try kind.withLog { open in
            let log = try open(.start)
            let locations = try log.append((0..<10).map { record($0) })
            try log.close()
            #expect(try open(locations[7].end).numbers() == Array(0..<10))
            let error = #expect(throws: StorageError.self) {
                _ = try open(LogPosition(pack: 1, offset: locations[9].end.offset + 1))
            }
            #expect(error?.code == .corrupt)
            let beyond = #expect(throws: StorageError.self) { _ = try open(LogPosition(pack: 2, offset: 64)) }
            #expect(beyond?.code == .corrupt)
        }
    }

    @Test("an unused end of a sealed pack is given back", arguments: FileLayerKind.allCases)
    func sealCutsPreallocation(kind: FileLayerKind) throws {
        try kind.withLog(smallPacks(1 << 20)) { open in
            let log = try open(.start)
            let location = try log.append([record(1)])[0]
            #expect(try log.packs() == [PackSummary(number: 1, length: location.end.offset, isSealed: false)])
            try log.seal()
            try log.seal()
            #expect(try log.packs() == [PackSummary(number: 1, length: location.end.offset, isSealed: true)])
            let handle = try log.open(pack: 1)
            let byte = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
            defer { byte.deallocate() }
            #expect(throws: StorageError.self) { try handle.read(at: location.end.offset, into: byte) }
            #expect(try log.append([record(2)])[0].position.pack == 2)
            try log.close()
        }
    }

    @Test("a removed pack is gone from listings and replay, and stays readable through a handle", arguments: FileLayerKind.allCases)
    func remove(kind: FileLayerKind) throws {
        try kind.withLog { open in
            let log = try open(.start)
            let first = try log.append([record(1)])[0]
            try log.seal()
            let second = try log.append([record(2)])[0]
            let handle = try log.open(pack: 1)
            try log.remove(pack: 1)
            #expect(try log.numbers() == [2])
            #expect(try log.packs().map(\.number) == [2])
            try handle.verifyOnce(first)
            let error = #expect(throws: StorageError.self) { _ = try log.read(first) }
            #expect(error?.code == .notFound)
            #expect(try log.read(second).equals(record(2)))
            try log.close()
            #expect(try open(.start).numbers() == [2])
        }
    }

    @Test("the number of a removed pack is never used again", arguments: FileLayerKind.allCases)
    func numbersAreNotReused(kind: FileLayerKind) throws {
        try kind.withLog { open in
            let log = try open(.start)
            _ = try log.append([record(1)])
            let written = #expect(throws: StorageError.self) { try log.remove(pack: 1) }
            #expect(written?.code == .unavailable)
            try log.seal()
            let end = log.end
            try log.remove(pack: 1)
            let again = #expect(throws: StorageError.self) { try log.remove(pack: 1) }
            #expect(again?.code == .notFound)
            #expect(log.end > end)
            try log.close()
            let reopened = try open(end)
            #expect(try reopened.numbers() == [])
            #expect(try reopened.append([record(2)])[0].position.pack > 1)
            try reopened.close()
        }
    }

    @Test("a body is verified once, and damage is found the first time", arguments: FileLayerKind.allCases)
    func verifyOnce(kind: FileLayerKind) throws {
        try kind.withLog(smallPacks(4 << 20)) { open in
            let log = try open(.start)
            let locations = try log.append([record(1, bodyCount: 700_000), record(2, bodyCount: 0)])
            for location in locations {
                let handle = try log.open(pack: location.position.pack)
                #expect(!handle.isVerified(location))
                try handle.verifyOnce(location)
                #expect(handle.isVerified(location))
                try handle.verifyOnce(location)
            }
            #expect((try log.open(pack: 1).fileDescriptor != nil) == (kind == .posix))
            var wrong = locations[0]
            wrong.bodyLength -= 1
            let error = #expect(throws: StorageError.self) { _ = try log.read(wrong) }
            #expect(error?.code == .corrupt)
            try log.close()
        }
    }

    @Test("more packs than may be open are read all the same", arguments: FileLayerKind.allCases)
    func handlesAreBounded(kind: FileLayerKind) throws {
        var configuration = smallPacks()
        configuration.openPacksMaximum = 2
        try kind.withLog(configuration) { open in
            let log = try open(.start)
            var locations: [RecordLocation] = []
            for number in 0..<10 {
                locations += try log.append([record(number)])
                try log.seal()
            }
            for _ in 0..<3 {
                for (index, location) in locations.enumerated() { #expect(try log.read(location).equals(record(index))) }
            }
            try log.close()
        }
    }

    @Test("a closed log refuses to write and may be closed again", arguments: FileLayerKind.allCases)
    func closed(kind: FileLayerKind) throws {
        try kind.withLog { open in
            let log = try open(.start)
            let location = try log.append([record(1)])[0]
            try log.close()
            try log.close()
            let calls: [() throws -> Void] = [
                { _ = try log.append([record(2)]) }, { try log.sync() }, { try log.seal() }, { try log.remove(pack: 1) },
                { _ = try log.read(location) }, { _ = try log.packs() }, { _ = try log.records() },
            ]
            for call in calls {
                let error = #expect(throws: StorageError.self) { try call() }
                #expect(error?.code == .closed)
            }
        }
    }

    @Test("an empty append, a sync and a seal of an empty log do nothing", arguments: FileLayerKind.allCases)
    func nothing(kind: FileLayerKind) throws {
        try kind.withLog { open in
            let log = try open(.start)
            #expect(try log.append([]).isEmpty)
            try log.sync()
            try log.seal()
            #expect(try log.packs().isEmpty)
            try log.close()
        }
    }

    @Test("many threads append, sync and read; each pack's records stand in order", arguments: FileLayerKind.allCases)
    func threads(kind: FileLayerKind) async throws {
        func check(_ log: any PackEngine) async throws {
            let pool = try BlockingPool(threads: 4)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        var last = LogPosition.start
                        for round in 0..<25 {
                            let number = writer * 100 + round
                            let location = try await pool.run { () throws(StorageError) in
                                let location = try log.append([record(number)])[0]
                                try log.sync()
                                return location
                            }
                            #expect(location.position > last)
                            last = location.position
                            #expect(try await pool.run { () throws(StorageError) in try log.read(location) }.equals(record(number)))
                        }
                    }
                }
                try await group.waitForAll()
            }
            await pool.shutdown()
            #expect(try log.numbers().sorted() == (0..<4).flatMap { writer in (0..<25).map { writer * 100 + $0 } })
            try log.close()
        }
        switch kind {
        case .memory:
            try await check(PackLog(files: MemoryFileLayer(), directory: "packs", configuration: smallPacks()))
        case .posix:
            try await withTemporaryDirectory { directory in
                try await check(PackLog(files: PosixFileLayer(), directory: directory + "/packs", configuration: smallPacks()))
            }
        }
    }
}
