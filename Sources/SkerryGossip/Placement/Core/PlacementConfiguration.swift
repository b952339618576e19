/// The numbers of a member that places keys; times in milliseconds.
public struct PlacementConfiguration: Sendable, Hashable {
    /// N, R, W, and how long requests wait.
    public var quorum = QuorumRequest.Profile()
    /// How long a member to which nothing could be sent is taken for away, unless it is heard of.
    public var awayFor: UInt64 = 1_000
    /// How often hints are offered to homes that can be reached.
    public var hintInterval: UInt64 = 500
    /// After how long without a change of the ring hints for members that are not in it are taken for those of members that left while this one was down.
    /// After the same time copies of keys that have other homes are dropped, when all members have been compared with.
    public var leaverPatience: UInt64 = 60_000
    /// How often, give or take a fifth, this member compares with another one drawn at random: for what hints and repairs missed.
    public var compareInterval: UInt64 = 10_000
    /// The same while there are members with which it has not compared since the ring changed, which is how keys move.
    public var settleInterval: UInt64 = 200
    /// How long a comparison may stand still before it is given up.
    public var compareTimeout: UInt64 = 10_000
    /// How long a copy that was sent outside of a request waits for its answer before it may be sent again.
    public var transferTimeout: UInt64 = 5_000
    /// Copies under way to one member at a time, of hints and of each comparison.
    public var transferWindow = 32
    /// Reads and writes under way that have no answer yet.
    public var requestsMaximum = 1_024
    /// Reads and writes that have their answer and wait for their last members. The oldest is ended: hints are kept for homes without the copy.
    public var lingeringMaximum = 1_024
    /// Messages of this member that wait for an answer.
    public var pendingMaximum = 16_384
    /// Comparisons that others began and this member answers at a time.
    public var comparisonsMaximum = 8
    /// Hints kept for others, in number and bytes.
    public var hintsMaximum = 65_536
    /// 256 MiB of keys and copies. A hint beyond either bound is refused, and the write finds another member or fails.
    public var hintBytesMaximum = 256 << 20
    /// What all members share, for the fingerprints of comparisons (``FingerprintKey``).
    public var secret: [UInt8] = []

    public init() {}
}
