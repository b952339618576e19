/// What a ``MemoryFileLayer`` holds: files as they are, and a journal of everything a crash may undo.
///
/// The journal keeps for each operation what it replaced and what it put there. A crash undoes all of it, newest first, which gives the
/// synced state; then it does again, oldest first, what the residue keeps.
struct MemoryFileState: Sendable {
    /// Sectors are written whole or not at all.
    static let sectorSize = 512

    struct Inode: Sendable {
        /// The bytes up to the last one ever written; between these and `size` the file reads as zero.
        var content: [UInt8] = []
        var size: UInt64 = 0
        var lockHolder: Int?
    }

    /// What an open file remembers.
    struct Opened {
        var inode: Int
        var generation: Int
        var identity: Int
    }

    enum Operation: Sendable {
        case write(inode: Int, offset: UInt64, old: [UInt8], oldContentCount: Int, oldSize: UInt64, new: [UInt8])
        /// Length alone; `old` are the written bytes that were cut off.
        case resize(inode: Int, old: [UInt8], oldSize: UInt64, newSize: UInt64)
        /// A name came, went, or changed its file.
        case name(path: String, old: Int?, new: Int?)
    }

    struct Entry: Sendable {
        var operation: Operation
        /// Lost for good: a sync of it failed.
        var isDoomed = false

        var byteCount: Int {
            if case .write(_, _, _, _, _, let new) = operation { return new.count }
            return 0
        }
    }

    private var inodes: [Int: Inode] = [:]
    private var names: [String: Int] = [:]
    private var directories: Set<String> = ["", "/", "."]
    private var nextInode = 1
    private var nextIdentity = 1
    private(set) var journal: [Entry] = []
    /// Grows with each crash; files opened before belong to an older one.
    private(set) var generation = 0
    private(set) var openCount = 0
    var capacity: UInt64?
    var faults: [FileFault] = []
    var counts: [FileFault.Operation: Int] = [:]

    init(capacity: UInt64?) { self.capacity = capacity }

    // MARK: Faults

    /// Counts the operation, and throws when it is to fail.
    mutating func begin(_ operation: FileFault.Operation, _ path: String) throws(StorageError) {
        if let fault = nextFault(operation) { throw error(fault, operation, path) }
    }

    private mutating func nextFault(_ operation: FileFault.Operation) -> FileFault? {
        counts[operation, default: 0] += 1
        for index in faults.indices where faults[index].operation == nil || faults[index].operation == operation {
            guard faults[index].after == 0 else {
                faults[index].after -= 1
                continue
            }
            let fault = faults[index]
            if !fault.isLasting { faults.remove(at: index) }
            return fault
        }
        return nil
    }

    private func error(_ fault: FileFault, _ operation: FileFault.Operation, _ path: String) -> StorageError {
        StorageError(fault.code, "injected failure of \(operation)", path: path)
    }

    // MARK: Names

    mutating func open(_ path: String, _ mode: FileOpenMode) throws(StorageError) -> Opened {
        try begin(mode == .create ? .create : .open, path)
        guard directories.contains(MemoryFileState.parent(of: path)) else { throw notFound(path) }
        if let inode = names[path] {
            if mode == .create { resize(inode, to: 0) }
            return opened(inode)
        }
        guard mode == .create else { throw notFound(path) }
        let inode = nextInode
        nextInode += 1
        inodes[inode] = Inode()
        setName(path, inode)
        return opened(inode)
    }

    private mutating func opened(_ inode: Int) -> Opened {
        defer { nextIdentity += 1 }
        openCount += 1
        return Opened(inode: inode, generation: generation, identity: nextIdentity)
    }

    mutating func forget(_ inode: Int, generation: Int, identity: Int) {
        guard generation == self.generation else { return }
        openCount -= 1
        if inodes[inode]?.lockHolder == identity { inodes[inode]?.lockHolder = nil }
    }

    mutating func rename(_ source: String, to target: String) throws(StorageError) {
        try begin(.rename, source)
        guard let inode = names[source] else { throw notFound(source) }
        // The new name first: a crash between the two leaves both names, never neither.
        setName(target, inode)
        setName(source, nil)
    }

    mutating func remove(_ path: String) throws(StorageError) {
        try begin(.remove, path)
        guard names[path] != nil else { throw notFound(path) }
        setName(path, nil)
    }

    mutating func list(_ directory: String) throws(StorageError) -> [String] {
        try begin(.list, directory)
        guard directories.contains(directory) else { throw notFound(directory) }
        let children =
            names.keys.filter { MemoryFileState.parent(of: $0) == directory }
            + directories.filter {
                $0 != directory && MemoryFileState.parent(of: $0) == directory && !$0.isEmpty
            }
        return children.map { String($0.dropFirst(directory.isEmpty ? 0 : directory.utf8.count + 1)) }.sorted()
    }

    mutating func createDirectory(_ path: String) throws(StorageError) {
        try begin(.createDirectory, path)
        var directory = path
        while directories.insert(directory).inserted { directory = MemoryFileState.parent(of: directory) }
    }

    mutating func syncDirectory(_ path: String) throws(StorageError) {
        try sync(.syncDirectory, path) { entry in
            if case .name(let name, _, _) = entry { return MemoryFileState.parent(of: name) == path }
            return false
        }
    }

    private mutating func setName(_ path: String, _ inode: Int?) {
        journal.append(Entry(operation: .name(path: path, old: names[path], new: inode)))
        names[path] = inode
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return String(path[..<slash])
    }

    private func notFound(_ path: String) -> StorageError { StorageError(.notFound, "no such file", path: path) }

    // MARK: Bytes

    mutating func write(_ inode: Int, _ path: String, _ bytes: [UInt8], at offset: UInt64) throws(StorageError) {
        if let fault = nextFault(.write) {
            let reached = min(fault.bytesWritten, bytes.count)
            if reached > 0 { put(inode, Array(bytes[..<reached]), at: offset) }
            throw error(fault, .write, path)
        }
        let growth = max(offset + UInt64(bytes.count), size(inode)) - size(inode)
        guard growth <= room else {
            // As a disk does: what fits is written, then the call fails.
            let fitting = Int(UInt64(bytes.count) - min(growth - room, UInt64(bytes.count)))
            if fitting > 0 { put(inode, Array(bytes[..<fitting]), at: offset) }
            throw StorageError(.full, "no room for \(bytes.count) bytes", path: path)
        }
        put(inode, bytes, at: offset)
    }

    func read(_ inode: Int, at offset: UInt64, into destination: UnsafeMutableRawBufferPointer) -> Int {
        guard let file = inodes[inode], offset < file.size else { return 0 }
        let count = Int(min(UInt64(destination.count), file.size - offset))
        let written = max(0, min(count, file.content.count - Int(min(offset, UInt64(file.content.count)))))
        if written > 0 { destination.copyBytes(from: file.content[Int(offset)..<Int(offset) + written]) }
        UnsafeMutableRawBufferPointer(rebasing: destination[written..<count]).initializeMemory(as: UInt8.self, repeating: 0)
        return count
    }

    func size(_ inode: Int) -> UInt64 { inodes[inode]?.size ?? 0 }

    mutating func preallocate(_ inode: Int, _ length: UInt64) throws(StorageError) {
        guard length > size(inode) else { return }
        guard length - size(inode) <= room else { throw StorageError(.full, "no room for \(length) bytes") }
        resize(inode, to: length)
    }

    mutating func truncate(_ inode: Int, to length: UInt64) throws(StorageError) {
        guard length <= size(inode) || length - size(inode) <= room else { throw StorageError(.full, "no room for \(length) bytes") }
        resize(inode, to: length)
    }

    mutating func lock(_ inode: Int, by identity: Int) -> Bool {
        guard let holder = inodes[inode]?.lockHolder, holder != identity else {
            inodes[inode]?.lockHolder = identity
            return true
        }
        return false
    }

    mutating func sync(_ operation: FileFault.Operation, _ inode: Int, _ path: String) throws(StorageError) {
        try sync(operation, path) { entry in
            switch entry {
            case .write(let target, _, _, _, _, _), .resize(let target, _, _, _): return target == inode
            case .name: return false
            }
        }
    }

    mutating func corrupt(_ path: String, at offset: UInt64, _ change: (inout UInt8) -> Void) throws(StorageError) {
        guard let inode = names[path] else { throw notFound(path) }
        extend(inode, to: Int(offset) + 1)
        change(&inodes[inode]!.content[Int(offset)])
    }

    private var room: UInt64 {
        guard let capacity else { return .max }
        let used = Set(names.values).reduce(0) { $0 + size($1) }
        return capacity - min(capacity, used)
    }

    private mutating func put(_ inode: Int, _ bytes: [UInt8], at offset: UInt64) {
        let start = Int(offset)
        let count = inodes[inode]!.content.count
        // Read through the dictionary: a copy of the array held here would make the write below copy the whole file.
        let old = Array(inodes[inode]!.content[min(start, count)..<min(start + bytes.count, count)])
        journal.append(
            Entry(
                operation: .write(
                    inode: inode, offset: offset, old: old, oldContentCount: count, oldSize: size(inode), new: bytes)))
        replace(inode, bytes, at: start)
    }

    private mutating func replace(_ inode: Int, _ bytes: [UInt8], at start: Int) {
        extend(inode, to: start + bytes.count)
        inodes[inode]!.content.replaceSubrange(start..<start + bytes.count, with: bytes)
        inodes[inode]!.size = max(inodes[inode]!.size, UInt64(start + bytes.count))
    }

    private mutating func extend(_ inode: Int, to count: Int) {
        let missing = count - inodes[inode]!.content.count
        if missing > 0 { inodes[inode]!.content.append(contentsOf: repeatElement(0, count: missing)) }
    }

    private mutating func resize(_ inode: Int, to length: UInt64) {
        let kept = Int(min(UInt64(inodes[inode]!.content.count), length))
        let old = Array(inodes[inode]!.content[kept...])
        journal.append(Entry(operation: .resize(inode: inode, old: old, oldSize: size(inode), newSize: length)))
        setSize(inode, length)
    }

    private mutating func setSize(_ inode: Int, _ length: UInt64) {
        let count = inodes[inode]!.content.count
        if UInt64(count) > length { inodes[inode]!.content.removeLast(count - Int(length)) }
        inodes[inode]!.size = length
    }

    /// Forgets the journal of what is synced now; on a fault it is kept and doomed instead.
    private mutating func sync(
        _ operation: FileFault.Operation, _ path: String, _ covers: (Operation) -> Bool
    ) throws(StorageError) {
        guard let fault = nextFault(operation) else {
            journal.removeAll { !$0.isDoomed && covers($0.operation) }
            return
        }
        for index in journal.indices where covers(journal[index].operation) { journal[index].isDoomed = true }
        throw error(fault, operation, path)
    }

    // MARK: Crash

    mutating func crash(keeping residue: CrashResidue) {
        let lost = journal
        journal = []
        for entry in lost.reversed() { entry.isDoomed ? undoDoomed(entry.operation) : undo(entry.operation) }
        var generator = SplitMix64(seed: 0)
        if case .drawn(let seed) = residue { generator = SplitMix64(seed: seed) }
        for (index, entry) in lost.enumerated() where !entry.isDoomed {
            switch residue {
            case .synced: break
            case .everything: redo(entry.operation)
            case .prefix(let operations, let bytes):
                if index < operations { redo(entry.operation) } else if index == operations { redoStart(entry.operation, bytes) }
            case .drawn: redoDrawn(entry.operation, &generator)
            }
        }
        for inode in inodes.keys { inodes[inode]!.lockHolder = nil }
        generation += 1
        openCount = 0
        faults = []
        let named = Set(names.values)
        inodes = inodes.filter { named.contains($0.key) }
    }

    private mutating func undo(_ operation: Operation) {
        switch operation {
        case .write(let inode, let offset, let old, let oldContentCount, let oldSize, _):
            inodes[inode]!.content.replaceSubrange(Int(offset)..<Int(offset) + old.count, with: old)
            inodes[inode]!.content.removeLast(max(0, inodes[inode]!.content.count - oldContentCount))
            inodes[inode]!.size = oldSize
        case .resize(let inode, let old, let oldSize, _):
            inodes[inode]!.content.append(contentsOf: old)
            inodes[inode]!.size = oldSize
        case .name(let path, let old, _):
            names[path] = old
        }
    }

    /// Later writes to the file may have been synced since: bytes go back to what they were, the length stays.
    private mutating func undoDoomed(_ operation: Operation) {
        switch operation {
        case .write(let inode, let offset, let old, _, _, let new):
            let count = max(0, min(new.count, inodes[inode]!.content.count - Int(offset)))
            let before = old + repeatElement(0, count: new.count - old.count)
            inodes[inode]!.content.replaceSubrange(Int(offset)..<Int(offset) + count, with: before[..<count])
        case .resize: break
        case .name(let path, let old, let new): if names[path] == new { names[path] = old }
        }
    }

    private mutating func redo(_ operation: Operation) {
        switch operation {
        case .write(let inode, let offset, _, _, _, let new): replace(inode, new, at: Int(offset))
        case .resize(let inode, _, _, let newSize): setSize(inode, newSize)
        case .name(let path, _, let new): names[path] = new
        }
    }

    private mutating func redoStart(_ operation: Operation, _ count: Int) {
        guard case .write(let inode, let offset, _, _, _, let new) = operation, count > 0 else { return }
        replace(inode, Array(new[..<min(count, new.count)]), at: Int(offset))
    }

    private mutating func redoDrawn(_ operation: Operation, _ generator: inout SplitMix64) {
        switch generator.next() % 3 {
        case 0: break
        case 1: redo(operation)
        default: redoSectors(operation, &generator)
        }
    }

    /// A torn write: each sector of the file that it touches is kept or lost by itself.
    private mutating func redoSectors(_ operation: Operation, _ generator: inout SplitMix64) {
        guard case .write(let inode, let offset, _, _, _, let new) = operation else { return }
        var start = 0
        while start < new.count {
            let sectorEnd = (Int(offset) + start) / MemoryFileState.sectorSize * MemoryFileState.sectorSize + MemoryFileState.sectorSize
            let end = min(new.count, sectorEnd - Int(offset))
            if Bool.random(using: &generator) { replace(inode, Array(new[start..<end]), at: Int(offset) + start) }
            start = end
        }
    }
}
