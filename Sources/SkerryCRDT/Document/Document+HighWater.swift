extension Document {
    /// The largest stamp that the document issued or saw: what a store keeps its own clock above.
    public var highWater: HybridTimestamp { withCore { $0.clock.highWater } }
}
