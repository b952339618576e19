import Logging
import Testing

@testable import skerry

@Suite("The log")
struct LoggingTests {
    @Test(
        "moments are printed in UTC",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_400_001, "2000-02-29T00:00:00.001Z"), (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"), (1_767_225_599_000, "2025-12-31T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] as [(UInt64, String)])
    func timestamps(milliseconds: UInt64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
    }

    private func line(_ message: Logger.Message, _ metadata: Logger.Metadata, own: Logger.Metadata = [:]) -> String {
        var handler = StandardErrorHandler(level: .info)
        handler.metadata = own
        let event = LogEvent(level: .info, message: message, metadata: metadata, source: nil, file: "", function: "", line: 1)
        return handler.line(for: event, at: Timestamp(milliseconds: 0))
    }

    @Test("a line holds time, level, message and the metadata in order, the event's before the logger's")
    func order() {
        #expect(
            line("serving", ["b": "2", "a": "1"], own: ["c": "3", "a": "9"]) == "1970-01-01T00:00:00.000Z info    serving a=1 b=2 c=3\n")
    }

    @Test("values from outside cannot make a second line or pose as another value")
    func forging() {
        #expect(line("m", ["key": "a b=\"c\"\nd", "none": ""]).hasSuffix("m key=\"a b=\\\"c\\\"\\nd\" none=\"\"\n"))
    }
}
