import ArgumentParser

struct StatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Show what the store holds and what deduplication saves.")

    @Flag(help: "Print JSON, in bytes.")
    var json = false
    @OptionGroup var location: StoreLocation

    func run() async throws {
        let statistics = try await location.withAdministration { try await $0.statistics() }
        StandardOutput.write(json ? PrettyJSON.text(statistics) : statistics.text)
    }
}

extension StatisticsRecord {
    /// Two tables for people: the store, then its buckets.
    var text: String {
        var store = TextTable(["STORE": .left, "": .right])
        store.add("objects", "\(objects)")
        store.add("versions", "\(versions)")
        store.add("stored by clients", "\(ByteText(logicalBytes))")
        store.add("distinct", "\(ByteText(uniqueBytes))")
        store.add("waiting for collection", "\(ByteText(garbageBytes))")
        store.add("packs on disk", "\(ByteText(packBytes))")
        store.add("dedup ratio", "\(dedupRatio)")
        guard !buckets.isEmpty else { return store.text }
        var table = TextTable(["BUCKET": .left, "OBJECTS": .right, "VERSIONS": .right, "STORED": .right])
        for bucket in buckets { table.add(bucket.name, "\(bucket.objects)", "\(bucket.versions)", "\(ByteText(bucket.logicalBytes))") }
        return store.text + "\n" + table.text
    }
}
