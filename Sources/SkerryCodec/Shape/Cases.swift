internal import Synchronization

/// The description of a variant: its name and its cases in order, prepared for fast matching.
///
/// As ``Fields``: made once per type, kept for the life of the process.
///
/// - Invariant: at least one case, with different keys.
@frozen
public struct Cases: Sendable {
    /// The keys, in the order of the cases.
    public let keys: KeyTable
    // Written once, before the value is seen by anyone, and never freed.
    @usableFromInline nonisolated(unsafe) let payloads: UnsafePointer<Fields?>
    // Immortal, because this reference is never released.
    @usableFromInline let description: Unmanaged<Description>

    @usableFromInline
    final class Description: Sendable {
        let name: String
        let documentation: String
        let list: [Case]

        init(name: String, documentation: String, list: [Case]) {
            self.name = name
            self.documentation = documentation
            self.list = list
        }
    }

    /// - Parameters:
    ///   - name: of the type, as it stands in schemas and in the digest.
    ///   - list: the cases in order. New ones go to the end.
    ///   - doc: one paragraph for people.
    /// - Precondition: at least one case, no key twice.
    public init(_ name: String, _ list: [Case], doc: String = "") {
        precondition(!list.isEmpty, "\(name) has no cases, so it has no values")
        keys = KeyTable(list.map(\.key), of: name, payloads: list.map(\.hasPayload))
        let payloads = UnsafeMutablePointer<Fields?>.allocate(capacity: list.count)
        for (index, item) in list.enumerated() { (payloads + index).initialize(to: item.fields) }
        self.payloads = UnsafePointer(payloads)
        description = .passRetained(Description(name: name, documentation: doc, list: list))
    }

    /// The description of a generic type's instance: made at the first call for `type`, the same at all later ones.
    ///
    /// - Complexity: a dictionary look-up under a lock.
    public static func cached<T>(for type: T.Type, _ make: () -> Cases) -> Cases {
        let id = ObjectIdentifier(type)
        if let known = cache.withLock({ $0[id] }) { return known }
        let made = make()
        return cache.withLock { cache in
            if let known = cache[id] { return known }
            cache[id] = made
            return made
        }
    }

    private static let cache = Mutex<[ObjectIdentifier: Cases]>([:])

    /// Cases of the variant.
    @inlinable public var count: Int { keys.count }
    /// The name of the type.
    public var name: String { description._withUnsafeGuaranteedRef { $0.name } }
    /// One paragraph for people.
    public var documentation: String { description._withUnsafeGuaranteedRef { $0.documentation } }
    /// The cases in order.
    public var list: [Case] { description._withUnsafeGuaranteedRef { $0.list } }

    /// The case at `index`.
    public subscript(index: Int) -> Case { description._withUnsafeGuaranteedRef { $0.list[index] } }

    /// Whether the case at `index` carries something.
    @inlinable public func hasPayload(_ index: Int) -> Bool { keys[index].hasPayload }

    /// The fields of a case that carries several values.
    ///
    /// - Precondition: the case at `index` was made with fields.
    @inlinable
    public func fields(_ index: Int) -> Fields {
        guard index >= 0, index < count, let fields = payloads[index] else {
            preconditionFailure("case \(index) of \(name) has no fields")
        }
        return fields
    }

    var identity: UInt { UInt(bitPattern: description.toOpaque()) }
}
