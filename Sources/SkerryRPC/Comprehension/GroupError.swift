/// Why a group of calls did not give its values; see ``gofor(_:timeout:_:)``.
public struct GroupError: Error, Sendable, CustomStringConvertible {
    /// The name of the group, empty when it has none.
    public let group: String
    /// The binding that failed; all bindings of the group, in order, when the time ran out or the group was cancelled.
    public let names: [String]
    /// What the binding threw; a ``CallError`` with code `timeout` or `cancelled` when the group ended for all.
    public let cause: any Error

    public var description: String {
        "\(group.isEmpty ? "a group" : "group \(group)"), \(names.joined(separator: ", ")): \(cause)"
    }
}
