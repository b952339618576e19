extension ByteSink {
    /// Moves the bytes from `middle` to the end to `offset`, in front of those that stand there.
    ///
    /// - Complexity: O(bytes behind `offset`).
    mutating func rotate(from offset: Int, middle: Int) {
        guard offset < middle else { return }
        let moved = length - middle
        reserve(moved)
        (base + offset + moved).copyMemory(from: base + offset, byteCount: length - offset)
        (base + offset).copyMemory(from: base + length, byteCount: moved)
    }
}
