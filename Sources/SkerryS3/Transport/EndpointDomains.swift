/// The names this endpoint is reached by, for virtual-host style addressing.
///
/// With the domain `s3.example.org`, the host `photos.s3.example.org` names the bucket `photos`, and `s3.example.org` itself names none.
/// Any other host, an address of either family, or no host at all is path style: S3's own rule, that a foreign host name is a bucket, would
/// make every alias of a machine a bucket.
public struct EndpointDomains: Sendable, Equatable {
    /// Lower case, without a port, longest first, so that the most specific one wins.
    private let suffixes: [[UInt8]]

    /// - Parameter names: Host names; a port, a leading or a trailing dot and the case are ignored. Empty names are dropped.
    public init(_ names: [String] = []) {
        suffixes = names.map { Self.hostName(of: Array($0.utf8)[...]).drop { $0 == UInt8(ascii: ".") } }
            .filter { !$0.isEmpty }.map { Array($0) }.sorted { $0.count > $1.count }
    }

    /// The bucket that `host` (the `Host` header as sent) names, lower case; nil for path style.
    ///
    /// - Complexity: O(length · domains); nothing is allocated when there are no domains.
    public func bucket(inHost host: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard !suffixes.isEmpty else { return nil }
        let name = Self.hostName(of: host)
        for suffix in suffixes {
            if name.elementsEqual(suffix) { return nil }
            let dot = name.endIndex - suffix.count - 1
            if dot > name.startIndex, name[dot] == UInt8(ascii: "."), name[(dot + 1)...].elementsEqual(suffix) {
                return name[..<dot]
            }
        }
        return nil
    }

    /// `host` in lower case without port and trailing dot. An IPv6 literal keeps its brackets and so never ends in a domain.
    private static func hostName(of host: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var name = host
        if name.first == UInt8(ascii: "[") {
            name = name[..<(name.firstIndex(of: UInt8(ascii: "]")).map { $0 + 1 } ?? name.endIndex)]
        } else if let colon = name.firstIndex(of: UInt8(ascii: ":")) {
            name = name[..<colon]
        }
        if name.last == UInt8(ascii: ".") { name.removeLast() }
        for index in name.indices where (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(name[index]) { name[index] |= 0x20 }
        return name
    }
}
