public import SkerryCodec

extension Shape {
    /// Whether a value of this shape may hold references. True also where nobody can tell.
    @usableFromInline
    var mayHoldReferences: Bool {
        var seen: Set<String> = []
        return mayHoldReferences(&seen)
    }

    private func mayHoldReferences(_ seen: inout Set<String>) -> Bool {
        switch self {
        case .reference, .value: true
        case .option(let part), .list(let part), .set(let part): part.mayHoldReferences(&seen)
        case .map(let key, let value): key.mayHoldReferences(&seen) || value.mayHoldReferences(&seen)
        case .alias(let alias): alias.carrier.mayHoldReferences(&seen)
        case .record(let fields):
            // A type met again, within itself or beside, has been looked at.
            seen.insert("record " + fields.name).inserted && fields.list.contains { $0.shape.mayHoldReferences(&seen) }
        case .variant(let cases):
            seen.insert("variant " + cases.name).inserted && cases.list.contains { $0.payload?.mayHoldReferences(&seen) ?? false }
        default: false
        }
    }
}
