/// The name of a method on the wire, where it differs from the one in the source. Overloads need it.
///
/// The contract with peers is this name: a method may be renamed freely as long as it keeps its wire name.
@attached(peer)
public macro Wire(_ name: String) = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")

/// Nothing is answered: the caller continues when the call was queued. The method returns nothing.
@attached(peer)
public macro OneWay() = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")

/// Doing it twice is doing it once, so that a session may repeat a call whose answer was lost.
@attached(peer)
public macro Idempotent() = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")

/// Acts once however often the call is repeated, also across restarts: the call carries a request identifier, and the callee keeps the
/// reply.
@attached(peer)
public macro Durable() = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")

/// Changes nothing; the only kind of method that a read-only reference lets through.
@attached(peer)
public macro ReadOnly() = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")

/// Computes long or blocks, so it does not start on the event loop of the link its call came by.
@attached(peer)
public macro Offload() = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")

/// Calls run one after the other, in the order they came: stands before the protocol, and gives what `reference(to:)` makes a mailbox.
///
/// Calls through such a reference pass through the codec in this process too.
@attached(peer)
public macro Serial() = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")

/// The last version of the interface that has the method: it answers old callers until the interface's version goes beyond.
@attached(peer)
public macro Until(_ version: Int) = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")

// MARK: - Routes

/// Answers also to HTTP GET. `{name}` in the path is the parameter of that name; the others travel in the query.
@attached(peer)
public macro GET(_ path: String) = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")

/// Answers also to HTTP POST. `{name}` in the path is the parameter of that name; the others travel in the body.
@attached(peer)
public macro POST(_ path: String) = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")

/// Answers also to HTTP PUT. `{name}` in the path is the parameter of that name; the others travel in the body.
@attached(peer)
public macro PUT(_ path: String) = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")

/// Answers also to HTTP PATCH. `{name}` in the path is the parameter of that name; the others travel in the body.
@attached(peer)
public macro PATCH(_ path: String) = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")

/// Answers also to HTTP DELETE. `{name}` in the path is the parameter of that name; the others travel in the query.
@attached(peer)
public macro DELETE(_ path: String) = #externalMacro(module: "SkerryMacrosPlugin", type: "MethodMark")
