public import SkerrySession

extension RequestID {
    @TaskLocal static var current: RequestID?

    /// A new one, from the system's generator.
    public static func random() -> RequestID {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    /// The next call of a durable method in `body` carries this identifier: what a caller that may have to repeat a request, even after a
    /// restart of its own, writes down before it begins. One identifier names one request, so make one such call in `body`.
    public func using<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        try await Self.$current.withValue(self, operation: body)
    }
}
