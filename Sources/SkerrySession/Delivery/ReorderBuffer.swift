/// Packets of a lossy link that wait for an earlier one.
struct ReorderBuffer: Sendable {
    /// By number, in a ring as long as the window.
    private var places: [[UInt8]?] = []
    private(set) var count = 0
    private(set) var byteCount = 0
    private var highest: UInt64 = 0

    /// Keeps a packet; false when it is there already.
    mutating func insert(_ packet: UnsafeRawBufferPointer, sequence: UInt64) -> Bool {
        if places.isEmpty { places = [[UInt8]?](repeating: nil, count: SessionLimits.reorderWindow) }
        let place = index(sequence)
        guard places[place] == nil else { return false }
        places[place] = [UInt8](packet)
        count += 1
        byteCount += packet.count
        highest = max(highest, sequence)
        return true
    }

    /// Takes the packet with this number out, if it is there.
    mutating func take(_ sequence: UInt64) -> [UInt8]? {
        guard count > 0, let packet = places[index(sequence)] else { return nil }
        places[index(sequence)] = nil
        count -= 1
        byteCount -= packet.count
        return packet
    }

    /// Calls `body` with each run of packets that are here, from the one after the first that is missing, at most
    /// ``SessionLimits/acknowledgementRanges`` of them. `gap` counts the missing before the run, from behind the run before it.
    func forEachRange(after received: UInt64, _ body: (_ gap: UInt64, _ length: UInt64) -> Void) {
        guard count > 0 else { return }
        var sequence = received + 1
        var edge = sequence
        var ranges = 0
        while sequence <= highest, ranges < SessionLimits.acknowledgementRanges {
            guard places[index(sequence)] != nil else {
                sequence += 1
                continue
            }
            let start = sequence
            while sequence <= highest, places[index(sequence)] != nil { sequence += 1 }
            body(start - edge, sequence - start)
            edge = sequence
            ranges += 1
        }
    }

    mutating func removeAll() {
        places = []
        count = 0
        byteCount = 0
    }

    private func index(_ sequence: UInt64) -> Int { Int(sequence % UInt64(SessionLimits.reorderWindow)) }
}
