/// The machine behind ``Diff``: two arrays of symbols in, a flag for each element that is not shared out.
///
/// Flags, not an edit script, are the working form: the algorithms set them in any order, and sliding (``slide(_:_:)``) moves them. A zero
/// stands before the first and after the last flag of each side, so that walks need no bound.
///
/// The pointers given to the initialiser must outlive the value. Everything else is owned by it and freed with it.
struct DiffEngine: ~Copyable {
    let a: UnsafePointer<UInt32>
    let b: UnsafePointer<UInt32>
    let aCount: Int
    let bCount: Int
    let symbolCount: Int
    let aChanged: UnsafeMutablePointer<UInt8>
    let bChanged: UnsafeMutablePointer<UInt8>
    /// For each symbol what the region at hand knows of it; all `Sighting.none` between regions. Made when first needed.
    private var sightingsStorage: UnsafeMutablePointer<Sighting>?
    /// The next occurrence of the same symbol in `a` within the region at hand (histogram); made when first needed.
    private var chainStorage: UnsafeMutablePointer<UInt32>?
    /// Regions still to be compared.
    var pending: [Region] = []
    /// Anchors of the region at hand; kept for their capacity.
    var candidates: [Anchor] = []
    var piles: [UInt32] = []
    /// Steps that the histogram may still take before everything left goes to the fallback.
    var histogramBudget: Int

    /// Bytes beyond the last flag, so that eight may be read at a time.
    private static var padding: Int { 16 }

    init(_ a: UnsafeBufferPointer<UInt32>, _ b: UnsafeBufferPointer<UInt32>, symbolCount: Int) {
        self.a = a.baseAddress ?? UnsafePointer(bitPattern: 8).unsafelyUnwrapped
        self.b = b.baseAddress ?? UnsafePointer(bitPattern: 8).unsafelyUnwrapped
        aCount = a.count
        bCount = b.count
        self.symbolCount = symbolCount
        aChanged = Self.flags(aCount)
        bChanged = Self.flags(bCount)
        histogramBudget = 64 * (aCount + bCount) + 4096
    }

    deinit {
        (aChanged - 1).deallocate()
        (bChanged - 1).deallocate()
        sightingsStorage?.deallocate()
        chainStorage?.deallocate()
    }

    private static func flags(_ count: Int) -> UnsafeMutablePointer<UInt8> {
        let flags = UnsafeMutablePointer<UInt8>.allocate(capacity: count + 1 + padding)
        flags.initialize(repeating: 0, count: count + 1 + padding)
        return flags + 1
    }

    /// Elements `a0..<a1` of the one side against `b0..<b1` of the other.
    struct Region {
        var a0, a1, b0, b1: Int
        var isEmptyInA: Bool { a0 == a1 }
        var isEmptyInB: Bool { b0 == b1 }
    }

    /// Where a symbol was seen in each side: a position, or one of the marks. The histogram keeps the first position of `a` and the number
    /// of positions instead.
    struct Sighting {
        var a, b: UInt32
        static var absent: UInt32 { .max }
        static var repeated: UInt32 { .max - 1 }
        static var none: Sighting { Sighting(a: absent, b: absent) }
    }

    mutating func sightings() -> UnsafeMutablePointer<Sighting> {
        if let sightingsStorage { return sightingsStorage }
        let made = UnsafeMutablePointer<Sighting>.allocate(capacity: symbolCount + 1)
        made.initialize(repeating: .none, count: symbolCount + 1)
        sightingsStorage = made
        return made
    }

    mutating func chain() -> UnsafeMutablePointer<UInt32> {
        if let chainStorage { return chainStorage }
        let made = UnsafeMutablePointer<UInt32>.allocate(capacity: aCount + 1)
        made.initialize(repeating: 0, count: aCount + 1)
        chainStorage = made
        return made
    }
}

// MARK: - The course of a comparison

extension DiffEngine {
    mutating func run(_ algorithm: DiffOptions.Algorithm) {
        let whole = trimmed(Region(a0: 0, a1: aCount, b0: 0, b1: bCount))
        switch algorithm {
        case .histogram:
            settle(whole)
            while let region = pending.popLast() { split(region) }
        case .myers:
            searchMinimal(whole, counting: Region(a0: 0, a1: aCount, b0: 0, b1: bCount), effort: .git)
        }
    }

    /// Without what both sides begin and end with.
    func trimmed(_ region: Region) -> Region {
        var region = region
        while region.a0 < region.a1, region.b0 < region.b1, a[region.a0] == b[region.b0] {
            region.a0 += 1
            region.b0 += 1
        }
        while region.a0 < region.a1, region.b0 < region.b1, a[region.a1 - 1] == b[region.b1 - 1] {
            region.a1 -= 1
            region.b1 -= 1
        }
        return region
    }

    /// Trims a region, and puts it aside if there is still something to find out.
    mutating func settle(_ region: Region) {
        let region = trimmed(region)
        if !settleEasily(region) { pending.append(region) }
    }

    /// Marks a trimmed region whose answer is plain: one side is empty, or has a single element.
    func settleEasily(_ region: Region) -> Bool {
        let aLength = region.a1 - region.a0, bLength = region.b1 - region.b0
        guard aLength > 1, bLength > 1 else {
            markChanged(region)
            // Of a single element and many, one may be shared, at neither end of the many.
            if aLength == 1, bLength > 2, let shared = (region.b0..<region.b1).first(where: { b[$0] == a[region.a0] }) {
                aChanged[region.a0] = 0
                bChanged[shared] = 0
            } else if bLength == 1, aLength > 2, let shared = (region.a0..<region.a1).first(where: { a[$0] == b[region.b0] }) {
                aChanged[shared] = 0
                bChanged[region.b0] = 0
            }
            return true
        }
        return false
    }

    func markChanged(_ region: Region) {
        (aChanged + region.a0).update(repeating: 1, count: region.a1 - region.a0)
        (bChanged + region.b0).update(repeating: 1, count: region.b1 - region.b0)
    }

    private mutating func split(_ region: Region) {
        switch splitAtAnchors(region) {
        case .done: return
        case .nothingShared: markChanged(region)
        case .undecided:
            if splitAtRarestRun(region) { return }
            searchMinimal(region, counting: region, effort: .bounded)
        }
    }
}

// MARK: - The result

extension DiffEngine {
    borrowing func hunks() -> [Hunk] {
        var hunks: [Hunk] = []
        var i = 0, j = 0
        while true {
            skipShared(&i, &j)
            guard i < aCount || j < bCount else { return hunks }
            let a0 = i, b0 = j
            while aChanged[i] != 0 { i += 1 }
            while bChanged[j] != 0 { j += 1 }
            hunks.append(Hunk(UInt32(a0), UInt32(i), UInt32(b0), UInt32(j)))
        }
    }

    /// Moves both positions to the next flag of either side, or to the ends.
    @inline(__always)
    borrowing func skipShared(_ i: inout Int, _ j: inout Int) {
        // Eight at a time: most of a file is shared.
        while i + 8 <= aCount, j + 8 <= bCount, Self.eightFlags(aChanged + i) | Self.eightFlags(bChanged + j) == 0 {
            i += 8
            j += 8
        }
        while i < aCount, j < bCount, aChanged[i] | bChanged[j] == 0 {
            i += 1
            j += 1
        }
    }

    @inline(__always)
    private static func eightFlags(_ flags: UnsafeMutablePointer<UInt8>) -> UInt64 {
        UnsafeRawPointer(flags).loadUnaligned(as: UInt64.self)
    }
}
