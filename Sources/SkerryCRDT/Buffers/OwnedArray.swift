/// A growable array of values that cannot be copied.
struct OwnedArray<Element: ~Copyable & Sendable>: ~Copyable {
    private var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int

    init() {
        capacity = 4
        base = .allocate(capacity: 4)
    }

    deinit {
        base.deinitialize(count: count)
        base.deallocate()
    }

    subscript(index: Int) -> Element {
        @inline(__always) unsafeAddress {
            precondition(index >= 0 && index < count)
            return UnsafePointer(base + index)
        }
        @inline(__always) unsafeMutableAddress {
            precondition(index >= 0 && index < count)
            return base + index
        }
    }

    mutating func append(_ element: consuming Element) {
        if count == capacity {
            let grown = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
            grown.moveInitialize(from: base, count: count)
            base.deallocate()
            base = grown
            capacity *= 2
        }
        (base + count).initialize(to: element)
        count += 1
    }

    /// Drops the elements behind the first ones.
    mutating func truncate(to newCount: Int) {
        precondition(newCount <= count)
        (base + newCount).deinitialize(count: count - newCount)
        count = newCount
    }
}

// The memory has one owner, and what it holds is sendable.
extension OwnedArray: @unchecked Sendable where Element: ~Copyable {}
