/// One source for receivers that come and go; each gets every element that is read while it listens. Made by ``PipeScope/mult(_:tapLimit:)``.
public struct Multiple<Element: Sendable>: Sendable {
    let taps: TapSet<Element>

    /// A new receiver. It leaves when it is closed or let go of. After the end of the source it has ended too.
    ///
    /// - Throws: ``TooManyTaps``.
    public func tap(_ capacity: ChannelCapacity = .rendezvous) throws(TooManyTaps) -> Receiver<Element> {
        try taps.add(capacity)
    }

    /// The receiver gets no more elements; it ends after what it has buffered.
    public func untap(_ receiver: Receiver<Element>) {
        taps.remove(receiver.channelID)
    }
}
