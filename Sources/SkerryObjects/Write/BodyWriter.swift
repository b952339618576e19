import SkerryChunks
import SkerryStorage

/// Takes the bytes of one upload, hashes and stores them with bounded memory.
///
/// A window holds the chunk that is being found plus a stretch of new bytes. When the stretch is full, two stages run beside each other
/// on the blocking pool: the hashes over the new bytes (MD5 is serial and the slowest), and cutting, naming and storing of chunks.
/// Nobody reads the socket meanwhile: back-pressure from disk to client.
///
/// Up to ``freeMaximum`` bytes are held without a slot; beyond that an upload waits for one of the store's slots.
///
/// Isolation: one task at a time, the one that receives the request.
final class BodyWriter {
    /// Bytes an upload may hold while it waits for a slot.
    static let freeMaximum = 64 << 10
    /// New bytes that make a stage worthwhile.
    static let stretch = 512 << 10
    /// The window never grows beyond this: an unfinished chunk, a stretch, and a piece from the socket.
    static let windowMaximum = ChunkSizes.standard.maximum + stretch + pieceMaximum
    /// Bytes taken into the window at once; larger pieces are taken in several.
    private static let pieceMaximum = 128 << 10
    /// Below this the stages run one behind the other: a hop costs more than the hashes.
    private static let parallelMinimum = 128 << 10

    let pins: PinSet
    private(set) var size: UInt64 = 0
    private let announced: UInt64?
    private let maximum: UInt64
    private let slots: UploadSlots
    private let blocking: any BlockingExecutor
    private var holdsSlot = false
    private(set) var window: [UInt8] = []
    /// Bytes at the front of the window that the hashes have seen.
    private var hashed = 0
    private var hasher: PayloadHasher
    private var cutter: BodyCutter
    private var hasCut = false

    init(
        announced: UInt64?, maximum: UInt64, hasher: PayloadHasher, cutter: BodyCutter, slots: UploadSlots, blocking: any BlockingExecutor
    ) {
        self.announced = announced
        self.maximum = maximum
        self.hasher = hasher
        self.cutter = cutter
        self.slots = slots
        self.blocking = blocking
        pins = cutter.pins
    }

    deinit { releaseSlot() }

    func write(_ piece: ArraySlice<UInt8>) async throws(ObjectError) {
        size += UInt64(piece.count)
        if let announced, size > announced {
            throw ObjectError(.incompleteBody, "The body is longer than the \(announced) bytes it was announced with.")
        }
        guard size <= maximum else {
            throw ObjectError(.entityTooLarge, "Your proposed upload exceeds the maximum allowed size of \(maximum) bytes.")
        }
        var rest = piece
        while !rest.isEmpty {
            try await take(rest.prefix(BodyWriter.pieceMaximum))
            rest = rest.dropFirst(BodyWriter.pieceMaximum)
        }
    }

    private func take(_ piece: ArraySlice<UInt8>) async throws(ObjectError) {
        if !holdsSlot, window.count + piece.count > BodyWriter.freeMaximum {
            try await slots.enter()
            holdsSlot = true
            window.reserveCapacity(BodyWriter.windowMaximum)
        }
        window.append(contentsOf: piece)
        if window.count - hashed >= BodyWriter.stretch { try await advance(isLast: false) }
    }

    struct Finished {
        var size: UInt64
        var hashes: PayloadHashes
        var body: ObjectBody
        /// The body's bytes when they go into the version's own record.
        var inline: [UInt8]
        var manifests: [ManifestReference]
    }

    /// Ends the body. Nothing is durable or visible before a commit refers to it; ``pins`` must live until then.
    func finish(mayInline: Bool) async throws(ObjectError) -> Finished {
        if let announced, size != announced {
            throw ObjectError(.incompleteBody, "The body has \(size) bytes and was announced with \(announced).")
        }
        if mayInline, size <= UInt64(ObjectBody.inlineMaximum) {
            window.withUnsafeBytes { hasher.update($0) }
            return Finished(size: size, hashes: hasher.finalize(), body: .inline, inline: window, manifests: [])
        }
        try await advance(isLast: true)
        releaseSlot()
        return Finished(size: size, hashes: hasher.finalize(), body: cutter.body, inline: [], manifests: cutter.manifests)
    }

    func abort() {
        window = []
        releaseSlot()
    }

    private func releaseSlot() {
        guard holdsSlot else { return }
        holdsSlot = false
        slots.leave()
    }

    private func advance(isLast: Bool) async throws(ObjectError) {
        let consumed: Int
        do throws(StorageError) {
            (hasher, cutter, consumed) = try await runStages(isLast: isLast)
        } catch {
            throw ObjectError(error)
        }
        hasCut = true
        window.removeFirst(consumed)
        hashed = window.count
    }

    /// Runs both stages over the window; nothing refers to the window's storage when it returns, so that it is reused in place.
    private func runStages(isLast: Bool) async throws(StorageError) -> (PayloadHasher, BodyCutter, Int) {
        let bytes = window
        let isWhole = isLast && !hasCut
        let hash: @Sendable () -> PayloadHasher = { [hasher, hashed] in
            var hasher = hasher
            bytes.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[hashed...])) }
            return hasher
        }
        let cut: @Sendable () throws(StorageError) -> (BodyCutter, Int) = { [cutter] () throws(StorageError) in
            var cutter = cutter
            let consumed = try cutter.cut(bytes, isLast: isLast, isWhole: isWhole)
            if isLast { try cutter.finish() }
            return (cutter, consumed)
        }
        if bytes.count - hashed < BodyWriter.parallelMinimum {
            return try await blocking.run { () throws(StorageError) in
                let (cutter, consumed) = try cut()
                return (hash(), cutter, consumed)
            }
        }
        let blocking = blocking
        async let newHasher = blocking.run { () throws(StorageError) in hash() }
        let (cutter, consumed) = try await blocking.run(cut)
        do {
            return (try await newHasher, cutter, consumed)
        } catch {
            throw error as? StorageError ?? StorageError(.unavailable, "\(error)")
        }
    }
}
