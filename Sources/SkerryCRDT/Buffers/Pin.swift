internal import Synchronization

/// A member that lets the structure it is in be passed by its address. Never read.
///
/// A structure that could be loaded into registers is copied as a whole to where each call that borrows it finds it, however large it is: more than a
/// kilobyte for a document, several times an event. One with an atomic in it cannot be, and stays where it is.
struct Pin: ~Copyable, Sendable {
    private let place = Atomic<UInt8>(0)
}
