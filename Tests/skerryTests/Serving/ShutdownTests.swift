import Testing

@testable import skerry

@Suite("Signals")
struct ShutdownTests {
    @Test("the first signal drains, every later one ends the process with its number")
    func machine() {
        var machine = ShutdownSignals.Machine()
        #expect(!machine.isDraining)
        #expect(machine.signalReceived(15) == .drain)
        #expect(machine.isDraining)
        #expect(machine.signalReceived(15) == .exit(status: 143))
        #expect(machine.signalReceived(2) == .exit(status: 130))
    }
}
