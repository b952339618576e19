internal import Synchronization

/// The description of a record: its name and its fields in order, prepared for fast matching.
///
/// Made once per type and kept for the life of the process, so that it is a trivial value: handing it around costs no reference
/// counting. Keep it in a `static let`; a generic type, which cannot have one, keeps it with ``cached(for:_:)``.
///
/// - Invariant: at most ``countMaximum`` fields, with different keys.
@frozen
public struct Fields: Sendable {
    /// Most fields of one record: 128.
    public static var countMaximum: Int { 128 }

    /// The keys, in the order of the fields.
    public let keys: KeyTable
    // Immortal, because this reference is never released.
    @usableFromInline let description: Unmanaged<Description>

    @usableFromInline
    final class Description: Sendable {
        let name: String
        let documentation: String
        let xml: XMLHints
        let list: [Field]
        /// The key of the case whose labelled values these are, for the path of errors.
        let owner: String?

        init(name: String, documentation: String, xml: XMLHints, list: [Field], owner: String? = nil) {
            self.name = name
            self.documentation = documentation
            self.xml = xml
            self.list = list
            self.owner = owner
        }
    }

    /// - Parameters:
    ///   - name: of the type, as it stands in schemas and in the digest.
    ///   - list: the fields in order. New ones go to the end and are optional.
    ///   - doc: one paragraph for people.
    ///   - xml: how XML writes the record's element.
    /// - Precondition: at most ``countMaximum`` fields, no key twice.
    public init(_ name: String, _ list: [Field], doc: String = "", xml: XMLHints = XMLHints()) {
        precondition(list.count <= Self.countMaximum, "\(name) has \(list.count) fields, more than \(Self.countMaximum)")
        keys = KeyTable(list.map(\.key), of: name)
        description = .passRetained(Description(name: name, documentation: doc, xml: xml, list: list))
    }

    /// The labelled values of the case `owner`.
    init(_ fields: Fields, of owner: String) {
        keys = fields.keys
        description = .passRetained(
            Description(name: fields.name, documentation: fields.documentation, xml: fields.xml, list: fields.list, owner: owner))
    }

    /// The description of a generic type's instance: made at the first call for `type`, the same at all later ones.
    ///
    /// - Complexity: a dictionary look-up under a lock.
    public static func cached<T>(for type: T.Type, _ make: () -> Fields) -> Fields {
        let id = ObjectIdentifier(type)
        if let known = cache.withLock({ $0[id] }) { return known }
        // Outside the lock, because the names of the arguments may ask for other descriptions.
        let made = make()
        return cache.withLock { cache in
            if let known = cache[id] { return known }
            cache[id] = made
            return made
        }
    }

    private static let cache = Mutex<[ObjectIdentifier: Fields]>([:])

    /// Fields of the record.
    @inlinable public var count: Int { keys.count }
    /// The name of the type.
    public var name: String { description._withUnsafeGuaranteedRef { $0.name } }
    /// One paragraph for people.
    public var documentation: String { description._withUnsafeGuaranteedRef { $0.documentation } }
    /// How XML writes the record's element.
    public var xml: XMLHints { description._withUnsafeGuaranteedRef { $0.xml } }
    /// The fields in order.
    public var list: [Field] { description._withUnsafeGuaranteedRef { $0.list } }

    /// The key of the case whose labelled values these are; nil for records.
    var owner: String? { description._withUnsafeGuaranteedRef { $0.owner } }

    /// The field at `index`.
    public subscript(index: Int) -> Field { description._withUnsafeGuaranteedRef { $0.list[index] } }

    /// Equal for the very same description alone.
    var identity: UInt { UInt(bitPattern: description.toOpaque()) }
}
