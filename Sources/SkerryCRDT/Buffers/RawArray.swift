#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// A growable buffer of plain values with one owner: no reference counting, no copy on write.
///
/// Indices are checked in debug builds only; every index that comes from outside bytes is checked before it gets here.
struct RawArray<Element: BitwiseCopyable & Sendable>: ~Copyable {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var count: Int
    private(set) var capacity: Int

    init(capacity: Int = 0) {
        base = Self.allocate(max(capacity, 1))
        count = 0
        self.capacity = max(capacity, 1)
    }

    deinit { if Self.isPlain { free(base) } else { base.deallocate() } }

    var isEmpty: Bool { count == 0 }

    subscript(index: Int) -> Element {
        @inline(__always) unsafeAddress {
            assert(index >= 0 && index < count, "index \(index) of \(count)")
            return UnsafePointer(base + index)
        }
        @inline(__always) unsafeMutableAddress {
            assert(index >= 0 && index < count, "index \(index) of \(count)")
            return base + index
        }
    }

    /// The elements, for the duration of the owner's borrow.
    var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: base, count: count) }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count == capacity { grow(to: count + 1) }
        (base + count).initialize(to: element)
        count += 1
    }

    mutating func append(contentsOf source: UnsafeBufferPointer<Element>) {
        guard let start = source.baseAddress, source.count > 0 else { return }
        if count + source.count > capacity { grow(to: count + source.count) }
        (base + count).initialize(from: start, count: source.count)
        count += source.count
    }

    mutating func append(repeating element: Element, count added: Int) {
        if count + added > capacity { grow(to: count + added) }
        (base + count).initialize(repeating: element, count: added)
        count += added
    }

    /// Adds elements whose values the caller writes next.
    mutating func appendUninitialized(_ added: Int) {
        if count + added > capacity { grow(to: count + added) }
        count += added
    }

    mutating func insert(_ element: Element, at index: Int) {
        assert(index >= 0 && index <= count)
        if count == capacity { grow(to: count + 1) }
        (base + index + 1).update(from: base + index, count: count - index)
        base[index] = element
        count += 1
    }

    mutating func remove(at index: Int) {
        assert(index >= 0 && index < count)
        (base + index).update(from: base + index + 1, count: count - index - 1)
        count -= 1
    }

    mutating func removeLast() -> Element {
        assert(count > 0)
        count -= 1
        return base[count]
    }

    /// Forgets what lies behind the first elements; the memory stays.
    mutating func truncate(to newCount: Int) {
        assert(newCount >= 0 && newCount <= count)
        count = newCount
    }

    mutating func reserve(_ total: Int) {
        if total > capacity { grow(to: total) }
    }

    func copy() -> RawArray {
        var result = RawArray(capacity: count)
        result.append(contentsOf: elements)
        return result
    }

    @inline(never)
    private mutating func grow(to needed: Int) {
        let target = max(needed, capacity + capacity / 2 + 8)
        if Self.isPlain {
            base = Self.bound(realloc(base, target * MemoryLayout<Element>.stride), target)
        } else {
            let grown = Self.allocate(target)
            grown.moveInitialize(from: base, count: count)
            base.deallocate()
            base = grown
        }
        capacity = target
    }

    // MARK: - Memory

    /// Whether the elements lie where `malloc` puts them. Then a large array grows where it is, or by moving its pages, and not by copying.
    @inline(__always)
    private static var isPlain: Bool { MemoryLayout<Element>.alignment <= 16 }

    private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<Element> {
        isPlain ? bound(malloc(capacity * MemoryLayout<Element>.stride), capacity) : .allocate(capacity: capacity)
    }

    @inline(__always)
    private static func bound(_ memory: UnsafeMutableRawPointer?, _ capacity: Int) -> UnsafeMutablePointer<Element> {
        guard let memory else { preconditionFailure("no memory for \(capacity) elements") }
        return memory.bindMemory(to: Element.self, capacity: capacity)
    }
}

// The memory has one owner and holds plain sendable values, so it goes wherever its owner goes.
extension RawArray: @unchecked Sendable {}
