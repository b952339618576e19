import SkerryCSP
public import SkerryCodec

/// The services of this process that others may find, by name. As many registries as wanted may stand side by side.
///
/// Holding the registry is the right to change it. Peers get its ``facet``, which lists and finds public services and refuses everything
/// else; a peer that should change it gets the ``admin`` facet, in person, as the result of some call that makes sure of who it is.
///
/// ```swift
/// let registry = Registry(name: "shop")
/// registry.add("arith", ArithService.reference(to: Calculator()))
/// let server = SessionServer(root: registry.facet)
/// ```
///
/// A command that the facet does not know is answered by a handler that was added for it, or else by the delegate.
public final class Registry: Sendable {
    /// Who finds a service.
    public enum Visibility: Sendable, Hashable {
        /// Everybody.
        case `public`
        /// Only holders of the registry and of its admin facet.
        case `private`
    }

    /// Answers a command of the root: gets the arguments as a record and gives the result. It may take its time; other calls go on meanwhile.
    public typealias Handler = @Sendable (Value) async throws -> Value

    /// Most services of one registry.
    public static let servicesMaximum = 65_536

    let state: Locked<State>

    struct State: Sendable {
        var name: String
        var services: [String: (reference: Reference, visibility: Visibility)] = [:]
        var handlers: [String: Handler] = [:]
        var delegate: Reference?
    }

    public init(name: String = "root", delegate: Reference? = nil) {
        state = Locked(State(name: name, delegate: delegate))
    }

    /// What peers find: a ``Root`` of the public services, with the added commands and the delegate.
    public var facet: Reference { Reference(target: RootTarget(RootFacet(self, isAdmin: false), self, admin: nil)) }

    /// The facet of the private services too, which also answers ``RootAdmin``. Whoever holds it can change the registry.
    public var admin: Reference {
        let admin = RootAdminFacet(registry: self)
        return Reference(target: RootTarget(RootFacet(self, isAdmin: true), self, admin: RootAdminService.reference(to: admin).target))
    }

    /// A client of this registry for code of this process: finds private services too.
    public var local: RootClient { RootClient(admin) }
}

// MARK: - Changing

extension Registry {
    /// Lists `service` under `name`. A service that had the name is displaced and told so.
    ///
    /// - Throws: ``CallError`` with code `overloaded` when ``servicesMaximum`` are listed, `denied` for the name `root`.
    public func add(_ name: String, _ service: Reference, visibility: Visibility = .public) throws(CallError) {
        guard name != Self.own else { throw CallError(.denied, "the name \(Self.own) stands for the registry itself") }
        let displaced = try state.withLock { state throws(CallError) -> Reference? in
            guard state.services[name] != nil || state.services.count < Self.servicesMaximum else {
                throw CallError(.overloaded, "the registry holds \(Self.servicesMaximum) services")
            }
            return state.services.updateValue((service, visibility), forKey: name)?.reference
        }
        if let displaced, displaced != service { displaced.tellRemoved(name) }
    }

    /// Takes the name back. The service is told so. False when there was none.
    @discardableResult
    public func remove(_ name: String) -> Bool {
        guard let removed = state.withLock({ $0.services.removeValue(forKey: name) }) else { return false }
        removed.reference.tellRemoved(name)
        return true
    }

    /// Answers the command `name` from now on, for holders of any facet. Names of the root's own methods are never asked.
    public func addHandler(_ name: String, _ handler: @escaping Handler) {
        state.withLock { $0.handlers[name] = handler }
    }

    /// Answers the command no more.
    public func removeHandler(_ name: String) {
        _ = state.withLock { $0.handlers.removeValue(forKey: name) }
    }

    /// The root that is asked for what this one does not have; usually another's ``facet``.
    public var delegate: Reference? {
        get { state.withLock { $0.delegate } }
        set { state.withLock { $0.delegate = newValue } }
    }

    public var name: String {
        get { state.withLock { $0.name } }
        set { state.withLock { $0.name = newValue } }
    }
}

// MARK: - Finding

extension Registry {
    /// The registry's own entry, always there and public.
    static let own = "root"

    func names(isAdmin: Bool) -> [String] {
        state.withLock { state in
            (state.services.filter { isAdmin || $0.value.visibility == .public }.keys + [Self.own]).sorted()
        }
    }

    func service(_ name: String, isAdmin: Bool) -> Reference? {
        if name == Self.own { return isAdmin ? admin : facet }
        return state.withLock { state in
            guard let entry = state.services[name], isAdmin || entry.visibility == .public else { return nil }
            return entry.reference
        }
    }
}

extension Reference {
    /// Tells the service that a registry no longer lists it. Nobody waits for it.
    fileprivate func tellRemoved(_ name: String) {
        Task { try? await send(ReflectionService.removedFromRoot, .init(name: name)) }
    }
}
