import Glibc
import SkerryRocksDB
import SkerryStorage
import Testing

@Suite("Data directories")
struct DataDirectoryTests {
    private let files = PosixFileLayer()

    /// Names and contents of everything in the directory, to show that nothing changed.
    private func contents(_ directory: String) throws -> [String: [UInt8]] {
        var contents: [String: [UInt8]] = [:]
        for name in try files.list(directory) {
            contents[name] = try files.open(directory + "/" + name, .read).read(at: 0, count: 10_000)
        }
        return contents
    }

    private func expectRefusal(_ code: StorageError.Code, _ directory: String) throws -> StorageError? {
        let before = try contents(directory)
        let error = #expect(throws: StorageError.self) { _ = try DataDirectory(path: directory, now: 99) }
        #expect(error?.code == code)
        #expect(try contents(directory) == before, "it changed something")
        return error
    }

    @Test("a new directory is made, with those above it, and found again")
    func create() throws {
        try withTemporaryDirectory { top in
            let path = top + "/a/b"
            let missing = #expect(throws: StorageError.self) { _ = try DataDirectory(path: path, now: 5, creates: false) }
            #expect(missing?.code == .notFound)
            #expect(try files.list(top).isEmpty)
            let made = try DataDirectory(path: path, now: 5)
            #expect(made.created == 5)
            try made.close()
            try made.close()
            let found = try DataDirectory(path: path, now: 77, creates: false)
            #expect(found.created == 5)
            let text = try files.open(path + "/skerry.format", .read).read(at: 0, count: 100)
            #expect(String(decoding: text, as: UTF8.self) == "skerry data directory\nformat 1 created 5\n")
        }
    }

    @Test("an empty directory becomes ours, also one in which a crash stopped the making")
    func emptyDirectory() throws {
        try withTemporaryDirectory { directory in
            for leftover in ["skerry.lock", "skerry.format.new"] {
                try files.open(directory + "/" + leftover, .create).write(Array("rest".utf8), at: 0)
            }
            let made = try DataDirectory(path: directory, now: 5)
            #expect(made.created == 5)
            #expect(try files.list(directory) == ["skerry.format", "skerry.lock"])
        }
    }

    @Test("a directory held by somebody is locked, and the message says by which process")
    func locked() throws {
        try withTemporaryDirectory { directory in
            let holder = try DataDirectory(path: directory, now: 5)
            let error = try expectRefusal(.locked, directory)
            #expect(error?.message.contains("process \(getpid()) ") == true)
            try holder.close()
            try DataDirectory(path: directory, now: 6).close()
        }
    }

    @Test("a directory with other files is foreign", arguments: ["photo.jpg", "packs", "skerry.formats"])
    func foreign(name: String) throws {
        try withTemporaryDirectory { directory in
            try files.open(directory + "/" + name, .create).write([1], at: 0)
            _ = try expectRefusal(.foreign, directory)
        }
    }

    @Test(
        "a format file that is not ours is foreign",
        arguments: ["", "hello\n", "skerry data directory\n", "skerry data directory\nformat x created 1\n"])
    func foreignFormat(text: String) throws {
        try withTemporaryDirectory { directory in
            try files.open(directory + "/skerry.format", .create).write(Array(text.utf8), at: 0)
            _ = try expectRefusal(.foreign, directory)
        }
    }

    @Test("a newer format is told apart, whatever else its file says")
    func newerFormat() throws {
        try withTemporaryDirectory { directory in
            try files.open(directory + "/skerry.format", .create)
                .write(Array("skerry data directory\nformat 2 made-with love\n".utf8), at: 0)
            let error = try expectRefusal(.newerFormat, directory)
            #expect(error?.message.contains("format 2") == true)
        }
    }

    @Test("a file in the directory's place is foreign")
    func fileInPlace() throws {
        try withTemporaryDirectory { top in
            try files.open(top + "/data", .create).write([1], at: 0)
            let error = #expect(throws: StorageError.self) { _ = try DataDirectory(path: top + "/data", now: 5) }
            #expect(error?.code == .foreign)
        }
    }

    @Test("a place where nothing may be made is permissionDenied")
    func denied() {
        let error = #expect(throws: StorageError.self) { _ = try DataDirectory(path: "/sys/skerry-data", now: 5) }
        #expect(error?.code == .permissionDenied)
    }
}
