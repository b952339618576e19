/// The sequence CRDT that Eg-walker builds for as long as events are concurrent: a B-tree of runs in document order, deleted ones too.
///
/// Each run of units knows in which of its four *lanes* it stands, and whether it was ever deleted. A lane is one reader's view, the
/// "prepare version" of the paper (Gentle and Kleppmann, EuroSys 2025): an event is applied in a lane that has been moved to exactly what
/// the event had seen, where its plain position finds its neighbours. The paper has one such view and moves it back and forth between
/// branches; here each live writer keeps a lane of its own, and since what a writer has seen only grows, lanes of live writers only move
/// forward. Two writers who never hear of each other cost nothing extra, where a single view would replay both branches for every event.
///
/// The tracker starts at a critical version, which everything follows: the text up to there is one *placeholder* run. Its units
/// have names of their own from ``placeholder`` upwards, and it reaches beyond the end of the text, so that its length need not be known.
///
/// - Complexity: O(log n) for an event in a lane that stands where the event wants it; moving a lane costs the runs in between.
struct Tracker: ~Copyable, Sendable {
    static let leafCapacity = 32
    static let fanout = 16
    static let laneCount = 4
    static let none = UInt32.max
    /// The name of the first unit of the placeholder.
    static let placeholder: UInt32 = 0x8000_0000
    static let placeholderCount: UInt32 = 0x4000_0000
    /// Longer runs are cut, which bounds what a split of a leaf writes into `places`.
    static let runMaximum: UInt32 = 2048

    /// Units in document order that share their state.
    struct Entry: BitwiseCopyable, Sendable {
        /// The first unit.
        var id: UInt32
        /// The number of units, with ``deletedBit`` when they are no longer in the text.
        var countAndDeleted: UInt32
        /// The unit that stood left of the first one when it was typed; each further one has the one before it.
        var left: UInt32
        /// The unit that stood right of all of them.
        var right: UInt32
        /// By lane: 0 not seen, 1 seen, 1 + n seen and deleted n times.
        var lanes: SIMD4<UInt32>

        static let deletedBit: UInt32 = 0x8000_0000

        @inline(__always) var count: UInt32 { countAndDeleted & ~Entry.deletedBit }
        @inline(__always) var isDeleted: Bool { countAndDeleted & Entry.deletedBit != 0 }
        @inline(__always) var isPlaceholder: Bool { id >= Tracker.placeholder }

        /// What the entry adds to the sums above it: visible units by lane, in the text, of the placeholder, at all.
        @inline(__always)
        var sum: SIMD8<UInt32> {
            let count = self.count
            let seen = SIMD4<UInt32>(repeating: count).replacing(with: SIMD4<UInt32>(), where: lanes .!= SIMD4(repeating: 1))
            return SIMD8(
                lowHalf: seen, highHalf: SIMD4(isDeleted ? 0 : count, isPlaceholder ? count : 0, count, 0))
        }
    }

    /// Indices of the sums beyond the lanes.
    static let inText = 4
    static let ofPlaceholder = 5
    static let atAll = 6

    struct Leaf: BitwiseCopyable, Sendable {
        var parent = Tracker.none
        var next = Tracker.none
        var count: UInt32 = 0
    }

    struct Branch: BitwiseCopyable, Sendable {
        var parent = Tracker.none
        var count: UInt32 = 0
    }

    /// Units deleted by consecutive units.
    struct Deletion: BitwiseCopyable, Sendable {
        var unit: UInt32
        var count: UInt32
        /// The smallest of the deleted units.
        var target: UInt32
        /// Whether the first unit deletes the last target.
        var backwards: Bool
    }

    struct Lane: Sendable {
        var version: [UInt32] = []
        var origin = Tracker.none
        var used: UInt64 = 0
    }

    struct Cursor {
        var leaf: UInt32
        var slot: Int
        /// Units into the entry.
        var offset: UInt32
        /// Units of the text before the cursor.
        var position: UInt32
    }

    var leaves = RawArray<Leaf>(capacity: 8)
    var entries = RawArray<Entry>(capacity: 8 * Tracker.leafCapacity)
    var branches = RawArray<Branch>()
    var links = RawArray<UInt32>()
    var sums = RawArray<SIMD8<UInt32>>()
    var root: UInt32 = 0
    var height = 0

    /// By unit from `firstUnit`: the leaf of an insertion, or ``deletionBit`` and the index of a deletion.
    var places = RawArray<UInt32>()
    var deletions = RawArray<Deletion>()
    static let deletionBit: UInt32 = 0x8000_0000

    var lanes: [Lane] = []
    var clocks = TrackerClocks()
    private var uses: UInt64 = 0

    /// False until the tracker is first wanted, and after it was dropped.
    var isWarm = false
    /// The critical version it starts from, -1 for the empty sequence.
    var base = -1
    /// The units and local versions from here on are not in it yet.
    var nextVersion = 0
    var firstUnit: UInt32 = 0
    /// It starts anew from a later critical version only when the document has grown beyond this.
    var holdUntil = 0

    init() {}

    /// Begins at a critical version.
    mutating func start(at base: Int, firstUnit: UInt32) {
        leaves.truncate(to: 0)
        entries.truncate(to: 0)
        branches.truncate(to: 0)
        links.truncate(to: 0)
        sums.truncate(to: 0)
        places.truncate(to: 0)
        deletions.truncate(to: 0)
        height = 0
        root = allocateLeaf()
        leaves[0].count = 1
        entries[0] = Entry(
            id: Tracker.placeholder, countAndDeleted: Tracker.placeholderCount, left: Tracker.none, right: Tracker.none,
            lanes: SIMD4(repeating: 1))
        self.base = base
        clocks.start(at: base)
        self.firstUnit = firstUnit
        nextVersion = base + 1
        isWarm = true
        if lanes.isEmpty { lanes = Array(repeating: Lane(), count: Tracker.laneCount) }
        for lane in 0..<Tracker.laneCount {
            lanes[lane].version.removeAll(keepingCapacity: true)
            if base >= 0 { lanes[lane].version.append(UInt32(base)) }
            lanes[lane].origin = Tracker.none
            lanes[lane].used = 0
        }
    }

    /// Frees what it holds.
    mutating func drop() { self = Tracker() }

    /// Bytes in use.
    var footprint: Int {
        entries.capacity * 32 + sums.capacity * 32 + (leaves.capacity + branches.capacity) * 12 + (links.capacity + places.capacity) * 4
            + deletions.capacity * 16
    }

    // MARK: - Lanes

    /// The lane for an event: its writer's, else one that stands where it wants it, else one nobody has, else the nearest or, where no
    /// clock says which that is, the one longest unused.
    ///
    /// - Parameter column: of the writer in the clocks.
    mutating func chooseLane(for origin: UInt32, seen: UnsafeBufferPointer<UInt32>, column: Int? = nil) -> Int {
        uses += 1
        var best = 0
        for lane in 0..<Tracker.laneCount {
            if lanes[lane].origin == origin {
                best = lane
                break
            }
            if lanes[lane].used < lanes[best].used { best = lane }
        }
        if let column, lanes[best].origin != origin, lanes[best].origin != Tracker.none {
            var nearest = Int.max
            for lane in 0..<Tracker.laneCount {
                let distance = clocks.distance(lane: lane, column: column)
                if distance < nearest { (nearest, best) = (distance, lane) }
            }
        } else if lanes[best].origin != origin, let standing = lanes.firstIndex(where: { $0.version.elementsEqual(seen) }) {
            best = standing
        }
        lanes[best].origin = origin
        lanes[best].used = uses
        return best
    }

    /// The lane of an origin when it stands where an event wants it: most often, the origin just goes on.
    @inline(__always)
    mutating func lane(of origin: UInt32, standingAt seen: UnsafeBufferPointer<UInt32>) -> Int? {
        for lane in 0..<Tracker.laneCount where lanes[lane].origin == origin {
            if !lanes[lane].version.elementsEqual(seen) { return nil }
            uses += 1
            lanes[lane].used = uses
            return lane
        }
        return nil
    }

    @inline(__always)
    mutating func setVersion(ofLane lane: Int, to version: UInt32) {
        lanes[lane].version.removeAll(keepingCapacity: true)
        lanes[lane].version.append(version)
    }

    mutating func setVersion(ofLane lane: Int, to version: UnsafeBufferPointer<UInt32>) {
        lanes[lane].version.removeAll(keepingCapacity: true)
        lanes[lane].version.append(contentsOf: version)
    }
}
