/// Which web pages may open a link.
///
/// A browser sends the origin of the page with each attempt, and sends the user's cookies and network position along whatever page it is; so the
/// server has to look (RFC 6455 section 10.2). Programs that are no browsers send no origin and are always let in: they could send any.
public struct OriginPolicy: Sendable, Hashable {
    private var allowed: Set<String>?

    /// Pages of these origins only, as browsers write them: `https://example.org`, `http://localhost:8080`. Letter case does not matter.
    public static func only(_ origins: some Sequence<String>) -> OriginPolicy {
        OriginPolicy(allowed: Set(origins.map { $0.lowercased() }))
    }

    /// No page at all.
    public static let none = OriginPolicy(allowed: [])

    /// Every page: only where the session asks for proof itself.
    public static let any = OriginPolicy(allowed: nil)

    func allows(_ origin: String?) -> Bool {
        guard let allowed, let origin else { return true }
        return allowed.contains(origin.lowercased())
    }
}
