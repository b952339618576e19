import SkerryHTTPServer
import Testing

@testable import skerry

@Suite("Metrics")
struct MetricsTests {
    private func metrics(_ counters: RequestCounters = RequestCounters()) -> ServerMetrics {
        ServerMetrics(
            version: "1.2.3", started: 1_700_000_000, process: ProcessFigures(residentBytes: 4096, processorSeconds: 1.5),
            http: HTTPServerStatistics(), requests: counters.counts, freeBytes: 77)
    }

    @Test("each line is a comment or a sample of the metric announced above it")
    func grammar() {
        let counters = RequestCounters()
        counters.record("GetObject", status: 200, duration: .milliseconds(3))
        var announced = ""
        for line in metrics(counters).text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if line.hasPrefix("# TYPE ") { announced = String(line.split(separator: " ")[2]) }
            if !line.hasPrefix("#") {
                #expect(line.hasPrefix(announced))
                #expect(line.split(separator: " ").last.flatMap { Double($0) } != nil, "\(line)")
            }
        }
    }

    @Test("requests are counted by operation and status")
    func counting() {
        let counters = RequestCounters()
        for _ in 0..<3 { counters.record("GetObject", status: 200, duration: .zero) }
        counters.record("GetObject", status: 404, duration: .zero)
        let text = metrics(counters).text
        #expect(text.contains("skerry_s3_requests_total{operation=\"GetObject\",status=\"200\"} 3\n"))
        #expect(text.contains("skerry_s3_requests_total{operation=\"GetObject\",status=\"404\"} 1\n"))
    }

    @Test("a time falls into the bucket whose bound it does not pass, and buckets are cumulative")
    func histogram() {
        let counters = RequestCounters()
        for bound in RequestCounters.bounds { counters.record("PutObject", status: 200, duration: .microseconds(bound)) }
        counters.record("PutObject", status: 200, duration: .seconds(1000))
        let text = metrics(counters).text
        for (index, bound) in RequestCounters.bounds.enumerated() {
            let label = "operation=\"PutObject\",le=\"\(Double(bound) / 1_000_000)\""
            #expect(text.contains("skerry_s3_request_duration_seconds_bucket{\(label)} \(index + 1)\n"))
        }
        #expect(text.contains("skerry_s3_request_duration_seconds_bucket{operation=\"PutObject\",le=\"+Inf\"} 10\n"))
        #expect(text.contains("skerry_s3_request_duration_seconds_count{operation=\"PutObject\"} 10\n"))
    }

    @Test("labels cannot break out of their quotes")
    func escaping() {
        var page = MetricsText()
        page.family("m", .gauge, "Help.") { $0.sample(1, labels: ["l": "a\"b\\c\nd"]) }
        #expect(page.text.hasSuffix("m{l=\"a\\\"b\\\\c\\nd\"} 1\n"))
    }

    @Test("the process knows its memory and its time")
    func process() {
        let figures = ProcessFigures.now()
        #expect(figures.residentBytes > 1 << 20)
        #expect(figures.processorSeconds > 0)
    }
}
