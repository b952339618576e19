/// The body of a request that has none.
public final class EmptyBody: HTTPRequestBody {
    public init() {}

    public var length: UInt64? { 0 }

    public func next() async throws(HTTPBodyError) -> ArraySlice<UInt8>? { nil }
}
