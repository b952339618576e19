import SkerryCSP

/// The methods of one service by wire name, with those every reference has. One per service type, for the life of the process.
package final class MethodTable: Sendable {
    package let service: any ServiceDescription.Type
    private let byName: [String: MethodDescriptor]

    private init(_ service: any ServiceDescription.Type) {
        self.service = service
        var byName: [String: MethodDescriptor] = [:]
        for method in ReflectionService.methods { byName[method.name] = method }
        for (index, method) in service.methods.enumerated() {
            precondition(method.index == index, "\(service.name).\(method.name) stands at \(index) and says \(method.index)")
            let former = byName.updateValue(method, forKey: method.name)
            precondition(former == nil, "\(service.name) has two methods \(method.name)")
        }
        self.byName = byName
    }

    package subscript(name: String) -> MethodDescriptor? { byName[name] }

    /// The method that is called, by name where the caller does not know it by itself.
    func method(of invocation: Invocation) -> MethodDescriptor? {
        if let method = invocation.descriptor, method.service == service || method.service == ReflectionService.self { return method }
        return byName[invocation.method]
    }

    // MARK: - Registry

    private static let tables = Locked<[ObjectIdentifier: MethodTable]>([:])

    /// The table of `service`, made at the first call.
    package static func of(_ service: any ServiceDescription.Type) -> MethodTable {
        let id = ObjectIdentifier(service)
        if let table = tables.withLock({ $0[id] }) { return table }
        // Outside the lock: the descriptions are user code.
        let table = MethodTable(service)
        return tables.withLock { tables in
            if let first = tables[id] { return first }
            tables[id] = table
            return table
        }
    }
}
