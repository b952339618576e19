/// Runs named calls in parallel and gives all their values, or the name of the one that failed.
///
/// All bindings start at once, in the order written, so a group takes as long as its longest call. The group waits for **all** answers, or
/// for the timeout, before it looks at errors; then the first failed binding, in order, is the error. Groups that follow one another are
/// statements that follow one another:
///
/// ```swift
/// let (count, service) = try await gofor {
///     Binding("count") { try await inventory.count() }
///     Binding("service") { try await session.root.get(ArithService.self, "arith") }
/// }
/// let next = try await gofor(timeout: .seconds(2)) { Binding("next") { try await service.succ(count) } }
/// ```
///
/// Calls inherit the timeout as their deadline. When it passes the group throws at once, its tasks are cancelled and what they still answer is
/// dropped; the same happens when the calling task is cancelled.
///
/// - Parameters:
///   - group: a name for errors.
///   - timeout: for the whole group; 30 s when not given. An earlier deadline of the surrounding ``Call`` scope wins.
/// - Throws: ``GroupError``.
public func gofor<each Value: Sendable>(
    _ group: String = "", timeout: Duration = Call.deadlineDefault, @BindingsBuilder _ bindings: () -> Bindings<repeat each Value>
) async throws(GroupError) -> (repeat each Value) {
    let bindings = bindings()
    var names: [String] = []
    for name in repeat (each bindings.all).name { names.append(name) }
    return try await Call.with(deadline: timeout) { () async throws(GroupError) in
        let cells = (repeat GroupCell(of: each bindings.all))
        let run = GroupRun(count: names.count)
        repeat run.start((each cells).run)
        if let code = await run.wait() {
            throw GroupError(group: group, names: names, cause: CallError(code, "\(code)", group: group, maybeExecuted: true))
        }
        do throws(GroupCellFailure) {
            return (repeat try (each cells).value())
        } catch {
            throw GroupError(group: group, names: [error.name], cause: error.cause)
        }
    }
}

/// As ``gofor(_:timeout:_:)``, with a clause that turns a failure into values, as `:error` did in the comprehension's ancestor.
///
/// - Parameter onError: gets the names and the cause; what it throws is thrown.
public func gofor<each Value: Sendable, Failure: Error>(
    _ group: String = "", timeout: Duration = Call.deadlineDefault, @BindingsBuilder _ bindings: () -> Bindings<repeat each Value>,
    onError: (GroupError) async throws(Failure) -> (repeat each Value)
) async throws(Failure) -> (repeat each Value) {
    let failure: GroupError
    do {
        return try await gofor(group, timeout: timeout, bindings)
    } catch {
        failure = error
    }
    return try await onError(failure)
}
