/// Opens a resource, runs `body` with it, and closes it exactly once, however `body` ends.
///
/// The first error wins: when `body` throws, an error of `close` is dropped, as it would hide the reason. When `body` succeeds, an error of
/// `close` is thrown, since what was written may not have arrived.
public func withResource<Resource: ~Copyable, Value: ~Copyable, Failure: Error>(
    _ open: () throws(Failure) -> Resource,
    close: (inout Resource) throws(Failure) -> Void,
    _ body: (inout Resource) throws(Failure) -> Value
) throws(Failure) -> Value {
    var resource = try open()
    let value: Value
    do throws(Failure) {
        value = try body(&resource)
    } catch {
        try? close(&resource)
        throw error
    }
    try close(&resource)
    return value
}

/// The same for a resource that is at hand already.
public func withResource<Resource, Value: ~Copyable, Failure: Error>(
    _ resource: Resource,
    close: (Resource) throws(Failure) -> Void,
    _ body: (Resource) throws(Failure) -> Value
) throws(Failure) -> Value {
    let value: Value
    do throws(Failure) {
        value = try body(resource)
    } catch {
        try? close(resource)
        throw error
    }
    try close(resource)
    return value
}

/// The same where opening, closing and the use of the resource suspend.
///
/// A cancelled `body` is one that throws; `close` runs all the same, in the cancelled task, so it must not depend on cancellation.
public func withResource<Resource, Value, Failure: Error>(
    _ open: () async throws(Failure) -> Resource,
    close: (Resource) async throws(Failure) -> Void,
    _ body: (Resource) async throws(Failure) -> Value
) async throws(Failure) -> Value {
    let resource = try await open()
    let value: Value
    do throws(Failure) {
        value = try await body(resource)
    } catch {
        do throws(Failure) { try await close(resource) } catch {}
        throw error
    }
    try await close(resource)
    return value
}
