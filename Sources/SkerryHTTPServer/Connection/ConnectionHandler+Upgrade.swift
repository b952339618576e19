internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import SkerryHTTP

extension ConnectionHandler {
    /// Sends the 101 and leaves the channel to `upgrade`. Cuts the connection when that cannot be: nobody would know what its bytes mean.
    ///
    /// The new handler stands in the pipeline before the parser leaves it, so that what the client sent behind its request reaches it.
    func handOver(to upgrade: any HTTPUpgrade, reply: HTTPReply, head: RequestHead) {
        guard let context, let upgrade = upgrade as? any ChannelUpgrade, reply.head.status == .switchingProtocols, head.asksForUpgrade,
            machine.handsOver()
        else { return abort() }
        let channel = context.channel
        write(upgradeHead(reply.head))
        context.flush()
        self.context = nil
        loop.handOver(self, channel, to: upgrade)
        let pipeline = channel.pipeline.syncOperations
        pipeline.removeHandler(self).assumeIsolated().whenComplete { _ in }
        do {
            try upgrade.takeOver(channel)
            let decoder = try pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
            pipeline.removeHandler(context: decoder).assumeIsolated().whenComplete { _ in }
        } catch {
            channel.close(promise: nil)
        }
    }

    private func upgradeHead(_ head: HTTPResponse) -> ByteBuffer {
        var buffer = ByteBuffer()
        ReplyHead.write(
            head, framing: .lengthForbidden, connection: .init(isKeptAlive: true, isHTTP10: false, isUpgraded: true),
            date: loop.date.value(), into: &buffer)
        return buffer
    }
}
