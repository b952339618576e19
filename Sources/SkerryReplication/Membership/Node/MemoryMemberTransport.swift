internal import SkerryWire
internal import Synchronization

/// Members of one process, who reach each other by name: the transport that needs no port.
///
/// ```swift
/// let network = MemoryMemberNetwork()
/// let node = MembershipNode(configuration, transport: network.transport(named: "ada"))
/// ```
public final class MemoryMemberNetwork: Sendable {
    private let listeners = Mutex<[String: MemoryListener]>([:])

    public init() {}

    /// The place of this name. A node that starts there takes it over from one that was there before.
    public func transport(named name: String) -> some MemberTransport { MemoryMemberTransport(network: self, name: name) }

    fileprivate func put(_ listener: MemoryListener, at name: String) { listeners.withLock { $0[name] = listener } }

    fileprivate func remove(_ listener: MemoryListener, at name: String) {
        listeners.withLock { if $0[name] === listener { $0[name] = nil } }
    }

    fileprivate func listener(at name: String) -> MemoryListener? { listeners.withLock { $0[name] } }
}

private struct MemoryMemberTransport: MemberTransport {
    let network: MemoryMemberNetwork
    let name: String
    private let listener = MemoryListener(limits: TCPMemberTransport.limits)

    init(network: MemoryMemberNetwork, name: String) {
        self.network = network
        self.name = name
    }

    func listen(_ accept: @escaping @Sendable (any Link) -> Void) async throws(LinkError) -> String {
        try await listener.start(accept)
        network.put(listener, at: name)
        return name
    }

    func connect(to address: String, _ completion: @escaping @Sendable (Result<any Link, LinkError>) -> Void) {
        guard let listener = network.listener(at: address) else {
            return completion(.failure(LinkError(.refused, "nobody is called \(address)")))
        }
        Task {
            let result: Result<any Link, LinkError>
            do throws(LinkError) { result = .success(try await listener.connector.connect()) } catch { result = .failure(error) }
            completion(result)
        }
    }

    func shutdown(within patience: Duration) async {
        network.remove(listener, at: name)
        await listener.shutdown(within: patience)
    }
}
