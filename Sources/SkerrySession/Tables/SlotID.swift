/// How ids are made: `((generation << slot bits | slot) << 1) | parity`.
///
/// The slot is the place in a table, the generation how often that place was given away before, the parity the side that made the id. So a table is a
/// dense array, an id is found without hashing, and no id comes twice. All ids stay below 2^53. Slot 0 is left out, because its first
/// id would be 0, which names the root and one-way calls.
enum SlotID {
    @inline(__always)
    static func make(slot: Int, generation: UInt64, slotBits: UInt64, parity: UInt64) -> UInt64 {
        (generation << slotBits | UInt64(truncatingIfNeeded: slot)) << 1 | parity
    }

    @inline(__always)
    static func slot(_ id: UInt64, slotBits: UInt64) -> Int {
        Int(truncatingIfNeeded: (id >> 1) & (1 << slotBits - 1))
    }

    @inline(__always)
    static func generation(_ id: UInt64, slotBits: UInt64) -> UInt64 { id >> (slotBits + 1) }

    /// The last generation of a slot; after it the slot is not given away any more.
    static func lastGeneration(slotBits: UInt64) -> UInt64 { 1 << (SessionLimits.idBits - 1 - slotBits) - 1 }
}
