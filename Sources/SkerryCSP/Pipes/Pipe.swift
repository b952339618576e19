// Pipes as in the book: a write is done when it was read, so that awaiting it is the push-back; a write that does not await
// stands in line. That is a channel without a buffer, and `Sender.post(_:)`.

extension Channel {
    /// A pipe: `send` returns when the element was read, `post` writes without waiting for that.
    ///
    /// - Parameter lineLimit: writes that may be unread at one time, waiting or not.
    public static func pipe(lineLimit: Int = 1_024) -> Channel {
        Channel(.rendezvous, waiterLimit: lineLimit)
    }
}

extension Receiver {
    /// Reads to the end and folds the elements into `result`, in order.
    ///
    /// - Throws: what ``receive()`` throws, what `update` throws.
    @inlinable
    public func fold<Result>(into result: Result, _ update: (inout Result, Element) async throws -> Void) async throws -> Result {
        var result = result
        while let element = try await receive() { try await update(&result, element) }
        return result
    }

    /// Reads to the end and calls `body` with each element, in order, each after the one before has returned.
    ///
    /// - Throws: what ``receive()`` throws, what `body` throws.
    @inlinable
    public func forEach(_ body: (Element) async throws -> Void) async throws {
        while let element = try await receive() { try await body(element) }
    }

    /// Reads to the end and sends what `transform` makes of each element into `sender`, which stays open. Reads on only when the element
    /// was sent: push-back goes through.
    ///
    /// - Throws: what ``receive()``, `transform` and ``Sender/send(_:)`` throw.
    @inlinable
    public func transfer<Output: Sendable>(to sender: Sender<Output>, _ transform: (Element) async throws -> Output) async throws {
        while let element = try await receive() { try await sender.send(transform(element)) }
    }
}
