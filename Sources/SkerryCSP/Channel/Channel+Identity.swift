// For those that send halves of channels elsewhere: a half that is a proxy remembers what it stands for, and a half that comes home
// is recognised.

extension Sender {
    /// The channel that this is a half of. The same for both halves, and never used again.
    @inlinable
    public var channelID: ChannelID { core.id }

    /// What this half stands for, when it is the near end of something remote; nil otherwise. Kept as long as the channel.
    public var origin: (any AnyObject & Sendable)? {
        get { core.withBothLocks { core.senderOrigin } }
        set {
            // The old one is let go after unlocking.
            var origin = newValue
            core.withBothLocks { swap(&core.senderOrigin, &origin) }
        }
    }
}

extension Receiver {
    /// The channel that this is a half of. The same for both halves, and never used again.
    @inlinable
    public var channelID: ChannelID { core.id }

    /// What this half stands for, when it is the near end of something remote; nil otherwise. Kept as long as the channel.
    public var origin: (any AnyObject & Sendable)? {
        get { core.withBothLocks { core.receiverOrigin } }
        set {
            // The old one is let go after unlocking.
            var origin = newValue
            core.withBothLocks { swap(&core.receiverOrigin, &origin) }
        }
    }
}
