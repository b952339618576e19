import Glibc
import SkerryRocksDB
import SkerryStorage
import Testing

@Suite("O-03: file layers")
struct FileLayerTests {
    /// Runs `body` over a file layer and a directory of its own in it.
    private func withLayer(_ kind: FileLayerKind, _ body: (any FileLayer, String) throws -> Void) throws {
        switch kind {
        case .memory:
            let files = MemoryFileLayer()
            try files.createDirectory("top")
            try body(files, "top")
        case .posix:
            try withTemporaryDirectory { try body(PosixFileLayer(), $0) }
        }
    }

    @Test("O-03: parts are written one behind the other, and read back to the end of the file", arguments: FileLayerKind.allCases)
    func writeAndRead(kind: FileLayerKind) throws {
        func check(_ files: some FileLayer, _ directory: String) throws {
            let file = try files.open(directory + "/a", .create)
            let parts = (0..<3000).map { [UInt8](repeating: UInt8($0 % 251), count: $0 % 5) }
            try writeAll(parts, to: file, at: 10)
            let expected = [UInt8](repeating: 0, count: 10) + parts.flatMap { $0 }
            #expect(try file.size() == UInt64(expected.count))
            #expect(try file.read(at: 0, count: expected.count + 100) == expected)
            #expect(try file.read(at: UInt64(expected.count), count: 5) == [])
            try file.write([], at: 0)
            try file.syncData()
            try file.syncAll()
            try file.close()
            try file.close()
            let closed = #expect(throws: StorageError.self) { _ = try file.read(at: 0, count: 1) }
            #expect(closed?.code == .closed)
            #expect(try files.open(directory + "/a", .read).read(at: 10, count: 5) == Array(parts.flatMap { $0 }.prefix(5)))
        }
        try withLayer(kind) { files, directory in try check(files, directory) }
    }

    private func writeAll(_ parts: [[UInt8]], to file: some OpenFile, at offset: UInt64) throws {
        var buffers: [UnsafeMutableRawBufferPointer] = []
        defer { for buffer in buffers { buffer.deallocate() } }
        for part in parts {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: part.count, alignment: 1)
            buffer.copyBytes(from: part)
            buffers.append(buffer)
        }
        try file.write(buffers.map { UnsafeRawBufferPointer($0) }, at: offset)
    }

    @Test("O-03: preallocated and extended room reads as zero; a file can be cut", arguments: FileLayerKind.allCases)
    func lengths(kind: FileLayerKind) throws {
        func check(_ files: some FileLayer, _ directory: String) throws {
            let file = try files.open(directory + "/a", .create)
            try file.preallocate(10_000)
            #expect(try file.size() == 10_000)
            #expect(try file.read(at: 9_990, count: 100) == [UInt8](repeating: 0, count: 10))
            try file.write([1, 2, 3], at: 5_000)
            try file.preallocate(100)
            #expect(try file.size() == 10_000)
            try file.truncate(to: 5_002)
            #expect(try file.read(at: 4_999, count: 10) == [0, 1, 2])
            try file.truncate(to: 5_004)
            #expect(try file.read(at: 4_999, count: 10) == [0, 1, 2, 0, 0])
        }
        try withLayer(kind) { files, directory in try check(files, directory) }
    }

    @Test("O-03: names are listed, changed and removed; an open file outlives its name", arguments: FileLayerKind.allCases)
    func names(kind: FileLayerKind) throws {
        func check(_ files: some FileLayer, _ directory: String) throws {
            for name in ["c", "a", "b"] { try files.open(directory + "/" + name, .create).write(Array(name.utf8), at: 0) }
            try files.createDirectory(directory + "/d/e")
            try files.createDirectory(directory + "/d/e")
            #expect(try files.list(directory) == ["a", "b", "c", "d"])
            #expect(try files.list(directory + "/d") == ["e"])
            let b = try files.open(directory + "/b", .read)
            try files.rename(directory + "/a", to: directory + "/b")
            #expect(try b.read(at: 0, count: 9) == Array("b".utf8))
            #expect(try files.open(directory + "/b", .read).read(at: 0, count: 9) == Array("a".utf8))
            try files.remove(directory + "/b")
            try files.syncDirectory(directory)
            #expect(try files.list(directory) == ["c", "d"])
            #expect(try b.read(at: 0, count: 9) == Array("b".utf8))
        }
        try withLayer(kind) { files, directory in try check(files, directory) }
    }

    @Test("O-03: what is not there is notFound, and a reader may not write", arguments: FileLayerKind.allCases)
    func refusals(kind: FileLayerKind) throws {
        func check(_ files: some FileLayer, _ directory: String) throws {
            let calls: [() throws -> Void] = [
                { _ = try files.open(directory + "/no", .read) }, { _ = try files.open(directory + "/no", .write) },
                { _ = try files.open(directory + "/no/no", .create) }, { try files.remove(directory + "/no") },
                { try files.rename(directory + "/no", to: directory + "/x") }, { _ = try files.list(directory + "/no") },
            ]
            for call in calls {
                let error = #expect(throws: StorageError.self) { try call() }
                #expect(error?.code == .notFound)
                #expect(error?.path != nil)
            }
            try files.open(directory + "/a", .create).write([1], at: 0)
            let reader = try files.open(directory + "/a", .read)
            #expect(throws: StorageError.self) { try reader.write([2], at: 0) }
            #expect(try reader.read(at: 0, count: 2) == [1])
        }
        try withLayer(kind) { files, directory in try check(files, directory) }
    }

    @Test("O-03: one open file holds the lock until it is closed", arguments: FileLayerKind.allCases)
    func locks(kind: FileLayerKind) throws {
        func check(_ files: some FileLayer, _ directory: String) throws {
            let first = try files.open(directory + "/lock", .create)
            let second = try files.open(directory + "/lock", .write)
            #expect(try first.lock())
            #expect(try first.lock())
            #expect(try !second.lock())
            try first.close()
            #expect(try second.lock())
        }
        try withLayer(kind) { files, directory in try check(files, directory) }
    }

    @Test("O-03: the operating system's errors become codes: a full device is full, a link in a circle has failed")
    func operatingSystemErrors() throws {
        try withTemporaryDirectory { directory in
            let files = PosixFileLayer()
            let device = try files.open("/dev/full", .write)
            let full = #expect(throws: StorageError.self) { try device.write([1, 2, 3], at: 0) }
            #expect(full?.code == .full)
            #expect(full?.path == "/dev/full")
            #expect(full?.errno != nil)
            #expect(symlink("circle", directory + "/circle") == 0)
            let circle = #expect(throws: StorageError.self) { _ = try files.open(directory + "/circle", .read) }
            #expect(circle?.code == .failed)
            let denied = #expect(throws: StorageError.self) { try files.createDirectory("/sys/skerry") }
            #expect(denied?.code == .permissionDenied)
        }
    }

    @Test("O-03: an open file that is let go is closed")
    func lettingGoCloses() throws {
        let files = MemoryFileLayer()
        var file: MemoryFile? = try files.open("a", .create)
        #expect(files.openCount == 1)
        _ = try file?.size()
        file = nil
        #expect(files.openCount == 0)
    }
}

@Suite("O-03: the file layer that crashes")
struct MemoryFileLayerTests {
    private func bytes(_ files: MemoryFileLayer, _ path: String) throws -> [UInt8]? {
        guard let file = try? files.open(path, .read) else { return nil }
        return try file.read(at: 0, count: 10_000)
    }

    @Test("only synced bytes under synced names survive a crash that keeps nothing")
    func syncedSurvives() throws {
        let files = MemoryFileLayer()
        let file = try files.open("d", .create)
        try file.write([1, 2, 3], at: 0)
        try file.syncData()
        let nameless = files.copy()
        nameless.crash(keeping: .synced)
        #expect(try bytes(nameless, "d") == nil, "a sync of the file made its name durable")
        try files.syncDirectory("")
        try file.write([9, 9], at: 2)
        try file.truncate(to: 3)
        files.crash(keeping: .synced)
        #expect(try bytes(files, "d") == [1, 2, 3])
    }

    @Test("a rename that was not synced may leave the old name, the new one, or both, never none")
    func renameSurvives() throws {
        let files = MemoryFileLayer()
        try files.open("old", .create).write([1], at: 0)
        try files.open("old", .write).syncData()
        try files.syncDirectory("")
        try files.rename("old", to: "new")
        var seen: Set<[String]> = []
        for seed in UInt64(0)..<40 {
            let crashed = files.copy()
            crashed.crash(keeping: .drawn(seed: seed))
            seen.insert(try crashed.list("").filter { !$0.isEmpty && $0 != "." && $0 != "/" })
        }
        #expect(seen.contains(["old"]) && seen.contains(["new"]) && seen.contains(["new", "old"]))
    }

    @Test("a drawn crash tears a write at sectors, and the seed decides how")
    func tearing() throws {
        let files = MemoryFileLayer()
        let file = try files.open("a", .create)
        try file.truncate(to: 5000)
        try file.syncAll()
        try files.syncDirectory("")
        try file.write([UInt8](repeating: 7, count: 5000), at: 0)
        var torn = 0
        for seed in UInt64(0)..<30 {
            let crashed = files.copy()
            crashed.crash(keeping: .drawn(seed: seed))
            let again = files.copy()
            again.crash(keeping: .drawn(seed: seed))
            let left = try #require(try bytes(crashed, "a"))
            #expect(try bytes(again, "a") == left)
            for sector in stride(from: 0, to: 5000, by: 512) { #expect(Set(left[sector..<min(sector + 512, 5000)]).count == 1) }
            if Set(left).count == 2 { torn += 1 }
        }
        #expect(torn > 0)
    }

    @Test("what a failed sync covered is lost, even if the next one succeeds")
    func failedSyncLoses() throws {
        let files = MemoryFileLayer()
        let file = try files.open("a", .create)
        try file.write([1, 1, 1], at: 0)
        try file.syncData()
        try files.syncDirectory("")
        try file.write([2], at: 1)
        files.inject(FileFault(.syncData))
        #expect(throws: StorageError.self) { try file.syncData() }
        try file.write([3], at: 2)
        try file.syncData()
        #expect(try bytes(files, "a") == [1, 2, 3])
        files.crash(keeping: .everything)
        #expect(try bytes(files, "a") == [1, 1, 3])
    }

    @Test("room is counted, and given back by what is removed")
    func capacity() throws {
        let files = MemoryFileLayer(capacity: 100)
        let file = try files.open("a", .create)
        try file.preallocate(80)
        let other = try files.open("b", .create)
        let error = #expect(throws: StorageError.self) { try other.write([UInt8](repeating: 1, count: 30), at: 0) }
        #expect(error?.code == .full)
        #expect(try other.size() == 20, "a disk writes what fits")
        try files.remove("a")
        try other.write([UInt8](repeating: 1, count: 30), at: 0)
    }
}
