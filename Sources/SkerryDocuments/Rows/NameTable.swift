/// Values by documents' names.
///
/// A name is its bytes, on disk and on wires. Strings of different bytes are equal where their characters are (an é in one scalar or in two), so a dictionary of
/// strings would take two documents for one.
package struct NameTable<Value: Sendable>: Sendable {
    package struct Key: Hashable, Sendable {
        package let name: String

        init(_ name: String) {
            var name = name
            name.makeContiguousUTF8()
            self.name = name
        }

        package static func == (left: Key, right: Key) -> Bool { left.name.utf8.elementsEqual(right.name.utf8) }

        package func hash(into hasher: inout Hasher) {
            let isHashed: Void? = name.utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
            precondition(isHashed != nil, "a name is in one piece")
        }
    }

    package typealias Table = [Key: Value]
    private var table: Table = [:]

    package init() {}

    package var count: Int { table.count }
    package var isEmpty: Bool { table.isEmpty }
    /// In no order.
    package var names: [String] { table.keys.map(\.name) }

    package subscript(name: String) -> Value? {
        get { table[Key(name)] }
        _modify { yield &table[Key(name)] }
    }

    package subscript(name: String, default value: @autoclosure () -> Value) -> Value {
        get { table[Key(name)] ?? value() }
        _modify { yield &table[Key(name), default: value()] }
    }

    /// In no order.
    package var values: Table.Values {
        get { table.values }
        _modify { yield &table.values }
    }

    package func index(forKey name: String) -> Table.Index? { table.index(forKey: Key(name)) }

    @discardableResult
    package mutating func removeValue(forKey name: String) -> Value? { table.removeValue(forKey: Key(name)) }

    package mutating func reserveCapacity(_ count: Int) { table.reserveCapacity(count) }
}
