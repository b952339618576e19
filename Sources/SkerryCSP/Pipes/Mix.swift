/// A mixing desk: which inputs are heard in one output, changed while it runs. Made by ``PipeScope/mix(of:capacity:inputLimit:)``.
public final class Mix<Element: Sendable>: Sendable {
    let desk: MixingDesk<Element>

    init(inputLimit: Int) {
        desk = MixingDesk(limit: inputLimit)
    }

    deinit {
        desk.finish()
    }

    /// Connects an input, or changes the mode of one that is connected. An input that ends leaves by itself; one that was closed throwing ends the mix.
    ///
    /// - Throws: ``TooManyTaps`` when as many are connected as may.
    public func add(_ input: Receiver<Element>, mode: MixMode = []) throws(TooManyTaps) {
        try desk.add(input, mode)
    }

    /// Disconnects the input. An element that was read already is still delivered.
    public func remove(_ input: Receiver<Element>) {
        desk.remove(input)
    }

    /// Ends the output. Inputs that are connected are let go of.
    public func finish() {
        desk.finish()
    }
}

/// How one input of a ``Mix`` is treated.
public struct MixMode: OptionSet, Sendable, Hashable {
    public let rawValue: Int

    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// Its elements are read and dropped.
    public static var mute: Self { Self(rawValue: 1) }
    /// It is not read, so that its senders wait.
    public static var pause: Self { Self(rawValue: 2) }
    /// While any input is soloed, those that are not are muted.
    public static var solo: Self { Self(rawValue: 4) }
}

/// What the mix and its task share.
final class MixingDesk<Element: Sendable>: Sendable {
    private struct State {
        var inputs: [(receiver: Receiver<Element>, mode: MixMode)] = []
        var isFinished = false
    }

    private let state = Locked(State())
    private let limit: Int
    /// Tells the task to look again; one reminder is as good as many.
    private let changes = Channel<Void>(.sliding(1))

    init(limit: Int) {
        self.limit = limit
    }

    func add(_ input: Receiver<Element>, _ mode: MixMode) throws(TooManyTaps) {
        let isFull = state.withLock { state in
            if let index = state.inputs.firstIndex(where: { $0.receiver === input }) {
                state.inputs[index].mode = mode
            } else if state.inputs.count >= limit {
                return true
            } else if !state.isFinished {
                state.inputs.append((input, mode))
            }
            return false
        }
        if isFull { throw TooManyTaps(limit: limit) }
        _ = try? changes.sender.trySend(())
    }

    func remove(_ input: Receiver<Element>) {
        let removed = state.withLock { state in
            state.inputs.firstIndex { $0.receiver === input }.map { state.inputs.remove(at: $0) }
        }
        if removed != nil { _ = try? changes.sender.trySend(()) }
    }

    func finish() {
        let inputs = state.withLock { state in
            state.isFinished = true
            defer { state.inputs = [] }
            return state.inputs
        }
        _ = inputs
        changes.sender.close()
    }

    /// Inputs that are read now, and whether their elements are heard.
    private var active: [(receiver: Receiver<Element>, isHeard: Bool)] {
        let inputs = state.withLock { $0.inputs }
        let hasSolo = inputs.contains { $0.mode.contains(.solo) }
        return inputs.filter { !$0.mode.contains(.pause) }.map { input in
            (input.receiver, !input.mode.contains(.mute) && (!hasSolo || input.mode.contains(.solo)))
        }
    }

    /// Moves elements until the desk is finished or the output is closed.
    func run(into output: Sender<Element>) async throws {
        defer { finish() }
        while !state.withLock({ $0.isFinished }) {
            let active = active
            let element: Element? = try await select {
                changes.receiver.on { _ in Element?.none }
                for input in active {
                    input.receiver.on { element in
                        if element == nil { self.remove(input.receiver) }
                        return input.isHeard ? element : nil
                    }
                }
            }
            if let element { try await output.send(element) }
        }
    }
}
