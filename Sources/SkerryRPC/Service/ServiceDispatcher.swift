/// Answers the calls of one service by switching on the dense index of the method.
///
/// The generator emits one generic struct per protocol (`ArithDispatcher<Implementation: Arith>`). `dispatch` starts on the event loop of
/// the link the call came from; up to its first suspension it holds up the other calls of that link.
public protocol ServiceDispatcher: Sendable {
    associatedtype Service: ServiceDescription
    associatedtype Implementation: Sendable

    /// The object that does the work; local clients call it directly.
    var implementation: Implementation { get }

    /// Reads the arguments, calls the implementation, writes the answer.
    ///
    /// Declared errors and ``CallError`` are thrown as they are; the caller of this function writes them.
    func dispatch(_ call: ServiceCall) async throws -> ServiceReply
}
