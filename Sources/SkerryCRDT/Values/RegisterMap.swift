/// Registers by key, in the order in which the keys came.
///
/// Whoever goes through all of them finds them one after another, and what they hold about as it was allocated: in the order of a hash table each of a
/// hundred thousand keys would be several cache misses away from the one before.
///
/// - Complexity: O(1) for a key.
struct RegisterMap: Sendable {
    private var numbers: [String: UInt32] = [:]
    private(set) var keys: [String] = []
    private(set) var registers: [MultiValue] = []

    var count: Int { keys.count }

    mutating func reserveCapacity(_ count: Int) {
        numbers.reserveCapacity(count)
        keys.reserveCapacity(count)
        registers.reserveCapacity(count)
    }

    /// nil for a key without a register; set to nil, the key goes, and the last one takes its place in the order.
    subscript(key: String) -> MultiValue? {
        get { numbers[key].map { registers[Int($0)] } }
        set {
            guard let newValue else { return remove(key) }
            if let number = numbers[key] { registers[Int(number)] = newValue } else { append(key, newValue) }
        }
    }

    /// Changes the register of a key, a new one where there is none.
    mutating func update(_ key: String, _ body: (inout MultiValue) -> Void) {
        if let number = numbers[key] { return body(&registers[Int(number)]) }
        var register = MultiValue()
        body(&register)
        append(key, register)
    }

    /// Adds a key that is not here; false, and nothing else, when it is.
    mutating func insert(_ key: String, _ register: MultiValue) -> Bool {
        if let present = numbers.updateValue(UInt32(keys.count), forKey: key) {
            numbers[key] = present
            return false
        }
        keys.append(key)
        registers.append(register)
        return true
    }

    /// Names the writes of all registers by where they are now.
    mutating func renumber(_ graph: borrowing EventGraph) {
        for number in registers.indices { registers[number].renumber(graph) }
    }

    private mutating func append(_ key: String, _ register: MultiValue) {
        numbers[key] = UInt32(keys.count)
        keys.append(key)
        registers.append(register)
    }

    private mutating func remove(_ key: String) {
        guard let number = numbers.removeValue(forKey: key) else { return }
        keys.swapAt(Int(number), keys.count - 1)
        registers.swapAt(Int(number), registers.count - 1)
        keys.removeLast()
        registers.removeLast()
        if Int(number) < keys.count { numbers[keys[Int(number)]] = number }
    }
}
