/// One named call of a parallel group; see ``gofor(_:timeout:_:)``.
public struct Binding<Value: Sendable>: Sendable {
    /// Stands in the error when the call fails.
    public let name: String
    let body: @Sendable () async throws -> Value

    /// - Parameters:
    ///   - name: of the value, for errors.
    ///   - body: the call. It runs in a task of its own, which is cancelled when the group ends without it.
    public init(_ name: String, _ body: @escaping @Sendable () async throws -> Value) {
        self.name = name
        self.body = body
    }
}

/// The named calls of one group, in the order they were written.
public struct Bindings<each Value: Sendable>: Sendable {
    let all: (repeat Binding<each Value>)

    init(_ all: repeat Binding<each Value>) {
        self.all = (repeat each all)
    }
}

/// Collects the bindings of a group with their types.
@resultBuilder
public enum BindingsBuilder {
    public static func buildBlock<each Value: Sendable>(_ bindings: repeat Binding<each Value>) -> Bindings<repeat each Value> {
        Bindings(repeat each bindings)
    }
}
