import SkerryHTTPServer

/// The page at `/metrics`; `docs/metrics.md` lists what stands on it.
struct ServerMetrics: Sendable {
    var version: String
    /// Seconds since 1970.
    var started: UInt64
    var process: ProcessFigures
    var http: HTTPServerStatistics
    var requests: RequestCounters.Counts
    /// Bytes free for this process on the file system of the data directory; nil when it cannot say.
    var freeBytes: UInt64?

    var text: String {
        var page = MetricsText()
        page.family("skerry_build_info", .gauge, "Always 1; the release stands in the label.") {
            $0.sample(1, labels: ["version": version])
        }
        addProcess(to: &page)
        addConnections(to: &page)
        addRequests(to: &page)
        if let freeBytes {
            page.add("skerry_data_free_bytes", .gauge, "Bytes free on the file system of the data directory.", freeBytes)
        }
        return page.text
    }

    private func addProcess(to page: inout MetricsText) {
        page.add("process_start_time_seconds", .gauge, "Start of the process, seconds since 1970.", started)
        page.add("process_resident_memory_bytes", .gauge, "Resident memory.", process.residentBytes)
        page.add("process_cpu_seconds_total", .counter, "Processor time of all threads.", process.processorSeconds)
    }

    private func addConnections(to page: inout MetricsText) {
        page.add("skerry_http_connections", .gauge, "Open connections of the S3 endpoint.", http.openConnections)
        page.add("skerry_http_connections_accepted_total", .counter, "Connections accepted.", http.acceptedConnections)
        page.add(
            "skerry_http_connections_refused_total", .counter, "Connections refused because too many were open.", http.refusedConnections)
        page.add("skerry_http_requests_active", .gauge, "Requests whose answer is not sent yet.", http.activeRequests)
        page.add("skerry_http_received_bytes_total", .counter, "Bytes read from sockets, heads included.", http.bytesIn)
        page.add("skerry_http_sent_bytes_total", .counter, "Bytes handed to sockets, heads included.", http.bytesOut)
    }

    private func addRequests(to page: inout MetricsText) {
        page.family("skerry_s3_requests_total", .counter, "Requests answered, by operation and status.") { family in
            let lines = requests.requests.sorted { ($0.key.operation, $0.key.status) < ($1.key.operation, $1.key.status) }
            for (line, count) in lines { family.sample(count, labels: ["operation": line.operation, "status": "\(line.status)"]) }
        }
        page.add(
            "skerry_s3_body_received_bytes_total", .counter, "Bytes of request bodies taken, as they travelled.", requests.bytesReceived)
        let help = "Time from the head of a request to its answer (its head; a large body is sent afterwards)."
        page.family("skerry_s3_request_duration_seconds", .histogram, help) { family in
            for (operation, times) in requests.times.sorted(by: { $0.key < $1.key }) {
                add(times, of: operation, to: &family)
            }
        }
    }

    private func add(_ times: RequestCounters.Times, of operation: String, to family: inout MetricsText.Family) {
        var total: UInt64 = 0
        for (index, count) in times.buckets.enumerated() {
            total += count
            let bound = index < RequestCounters.bounds.count ? "\(Double(RequestCounters.bounds[index]) / 1_000_000)" : "+Inf"
            family.sample(total, suffix: "_bucket", labels: ["operation": operation, "le": bound])
        }
        family.sample(Double(times.microseconds) / 1_000_000, suffix: "_sum", labels: ["operation": operation])
        family.sample(total, suffix: "_count", labels: ["operation": operation])
    }
}
