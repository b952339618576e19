/// Gathers the chunks of an object, in order, into manifests as they fill.
///
/// - Invariant: every manifest but the last is full, so the manifests are a function of the chunks alone.
public struct ManifestBuilder: Sendable {
    private var pending: [ManifestEntry] = []

    public init() {}

    /// Takes the next chunk; returns a manifest when this fills one.
    public mutating func append(_ entry: ManifestEntry) -> Manifest? {
        pending.append(entry)
        return pending.count == Manifest.entryMaximum ? finish() : nil
    }

    /// The last manifest, if chunks are left; the builder is empty afterwards.
    public mutating func finish() -> Manifest? {
        guard !pending.isEmpty else { return nil }
        defer { pending.removeAll(keepingCapacity: true) }
        return Manifest(pending)
    }
}

extension Manifest {
    /// A chunk list of any length as manifests, in order, all but the last full.
    public static func split(_ entries: some Sequence<ManifestEntry>) -> [Manifest] {
        var builder = ManifestBuilder()
        var manifests = entries.compactMap { builder.append($0) }
        if let last = builder.finish() { manifests.append(last) }
        return manifests
    }
}
