import Glibc
import SkerryGossip
import SkerryReplication
import SkerryStorage
import Synchronization
import UnixSignals

/// A run of `skerry gossip`: commands in, the display or lines out, until somebody ends it.
final class GossipRun: Sendable {
    private let node: GossipNode
    private let printer: GossipPrinter
    private let wantsDisplay: Bool
    private let state = Mutex(State())

    /// How often the display looks for changes.
    private static let interval = Duration.milliseconds(100)
    /// Looks between two that are drawn though only times changed.
    private static let looksPerSecond = 10

    /// Reasons why seeds were not reached that are said in lines.
    private static let failuresMaximum = 64

    private struct State {
        /// Answers on the display, the latest last.
        var answers: [String] = []
        var editor = LineEditor()
        var isTyping = false
    }

    init(_ node: GossipNode, printer: GossipPrinter, isDisplay: Bool) {
        (self.node, self.printer, wantsDisplay) = (node, printer, isDisplay)
    }

    func run() async throws(CommandFailure) {
        let (ends, end) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        try await node.start()
        let terminal = wantsDisplay ? Terminal() : nil
        let watcher = Task {
            var isEnding = false
            for await signal in signals {
                if isEnding {
                    terminal?.restore()
                    _exit(128 + signal.rawValue)
                }
                isEnding = true
                end.finish()
            }
        }
        defer { watcher.cancel() }
        do throws(StorageError) { try beginInput(terminal != nil, end) } catch {
            throw CommandFailure("\(error)")
        }
        if terminal == nil { print(printer.ready(node.view(), id: node.id)) }
        let display = Task { [self] in terminal == nil ? await follow() : await draw() }
        for await _ in ends {}
        display.cancel()
        await display.value
        terminal?.restore()
        await node.stop()
        print(printer.stopped(hasLeft: true))
    }

    // MARK: Output

    private func follow() async {
        var last: GossipView?
        var said: Set<String> = []
        while !Task.isCancelled {
            let view = node.view()
            let changes = GossipChange.between(last, and: view)
            if !changes.isEmpty { print(changes.map { printer.change($0, view) }.joined()) }
            // Once each: a seed is asked again and again.
            for failure in view.unreached where said.count < Self.failuresMaximum && said.insert(failure).inserted {
                StandardOutput.writeError("skerry: \(GossipText.shown(failure))\n")
            }
            last = view
            await node.maintain()
            try? await Task.sleep(for: Self.interval)
        }
    }

    private func draw() async {
        var last: [String] = []
        var looks = 0
        while !Task.isCancelled {
            let isDue =
                looks % Self.looksPerSecond == 0
                || state.withLock { state in
                    defer { state.isTyping = false }
                    return state.isTyping
                }
            let view = node.view()
            if isDue || looks % 3 == 0 {
                let size = Terminal.size
                let screen = GossipScreen(columns: size.columns, rows: size.rows, isColoured: Terminal.isColoured)
                let (answers, input) = state.withLock { ($0.answers, $0.editor.text) }
                let lines = screen.lines(view, answers: answers, input: input)
                if lines != last { Terminal.draw(lines) }
                last = lines
            }
            await node.maintain()
            looks += 1
            try? await Task.sleep(for: Self.interval)
        }
    }

    /// Whole lines, in one write each.
    private func print(_ text: String) {
        if !text.isEmpty { state.withLock { _ in StandardOutput.write(text) } }
    }

    // MARK: Input

    /// Reads commands, one after the other: the next one is not read before the one before it is done.
    private func beginInput(_ isTerminal: Bool, _ end: AsyncStream<Void>.Continuation) throws(StorageError) {
        let pool = try BlockingPool(threads: 1)
        Task { [self] in
            var line: [UInt8] = []
            // The thread that waits for input ends with the process.
            while let bytes = try? await pool.run({ Terminal.read() }) {
                if isTerminal { await type(bytes, end) } else { await take(bytes, &line, end) }
            }
            if isTerminal { end.finish() }
        }
    }

    private func take(_ bytes: [UInt8], _ line: inout [UInt8], _ end: AsyncStream<Void>.Continuation) async {
        for byte in bytes {
            if byte != 0x0A {
                // What is too long is no command; the rest of it is not kept.
                if line.count <= GossipLine.lineMaximum { line.append(byte) }
                continue
            }
            let text = String(decoding: line, as: UTF8.self)
            line.removeAll(keepingCapacity: true)
            if let answer = await answer(to: text, end) { print(answer) }
        }
    }

    private func type(_ bytes: [UInt8], _ end: AsyncStream<Void>.Continuation) async {
        for byte in bytes {
            let step = state.withLock { state in
                state.isTyping = true
                return state.editor.type(byte)
            }
            switch step {
            case .edited: break
            case .end: end.finish()
            case .line(let line): showAnswer(await answer(to: line, end) ?? "")
            }
        }
    }

    private func showAnswer(_ text: String) {
        let lines = text.split(separator: "\n").map(String.init)
        state.withLock { $0.answers = lines.suffix(GossipScreen.answersMaximum) }
    }

    /// Does what a line says; nil when there is nothing to say about it.
    private func answer(to text: String, _ end: AsyncStream<Void>.Continuation) async -> String? {
        do throws(GossipLine.Failure) {
            guard text.utf8.count <= GossipLine.lineMaximum else {
                throw GossipLine.Failure(message: "a line has at most \(GossipLine.lineMaximum) bytes")
            }
            let trimmed = text.last == "\r" ? String(text.dropLast()) : text
            guard let line = try GossipLine(trimmed) else { return nil }
            return await perform(line, end)
        } catch {
            return printer.failure(error.message)
        }
    }

    private func perform(_ line: GossipLine, _ end: AsyncStream<Void>.Continuation) async -> String {
        do throws(CommandFailure) {
            switch line {
            case .set(let key, let value):
                try await node.set(key, value)
                return printer.set(key)
            case .unset(let key): return printer.unset(key, wasThere: try await node.unset(key))
            case .get(let key): return printer.value(key, node.board.value(of: key))
            case .keys: return printer.keys(node.view())
            case .members: return printer.members(node.view())
            case .digest: return printer.digest(node.digest)
            case .help: return printer.help()
            case .quit:
                end.finish()
                return ""
            }
        } catch {
            return printer.failure(error.message)
        }
    }
}
