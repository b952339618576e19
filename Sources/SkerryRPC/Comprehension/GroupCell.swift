import SkerryCSP

/// Where one binding of a group leaves what came of it.
final class GroupCell<Value: Sendable>: Sendable {
    private let binding: Binding<Value>
    private let result = Locked<Result<Value, any Error>?>(nil)

    init(of binding: Binding<Value>) {
        self.binding = binding
    }

    /// Runs the call. Called once.
    func run() async {
        let outcome: Result<Value, any Error>
        do {
            outcome = .success(try await binding.body())
        } catch {
            outcome = .failure(error)
        }
        result.withLock { $0 = outcome }
    }

    /// What the call gave. Asked for only after all calls of the group have ended.
    func value() throws(GroupCellFailure) -> Value {
        switch result.withLock({ $0 }) {
        case .success(let value): return value
        case .failure(let error): throw GroupCellFailure(name: binding.name, cause: error)
        case nil: preconditionFailure("\(binding.name) was asked for its value before it had one")
        }
    }
}

/// What one binding threw.
struct GroupCellFailure: Error {
    let name: String
    let cause: any Error
}
