extension Receiver: AsyncSequence {
    public typealias Failure = any Error

    @frozen
    public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
        public typealias Failure = any Error

        @usableFromInline let receiver: Receiver

        @inlinable
        init(_ receiver: Receiver) {
            self.receiver = receiver
        }

        /// As ``Receiver/receive()``.
        @inlinable @inline(__always)
        public mutating func next() async throws -> Element? {
            try await receiver.receive()
        }

        @inlinable @inline(__always)
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Element? {
            try await receiver.receive()
        }
    }

    @inlinable
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}
