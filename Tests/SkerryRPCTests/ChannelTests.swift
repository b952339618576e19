import SkerryCSP
import SkerryCodec
import SkerryRPC
import SkerrySession
import Testing

@Suite("Channels over sessions", .timeLimit(.minutes(1)))
struct RemoteChannelTests {
    @Test("Y-12: the sending end of a channel is an argument: the callee sends, elements arrive in order, then the end")
    func sendingEnd() async throws {
        let pair = try await SessionPair.withArith()
        let (sender, receiver) = Channel<Int>(.buffer(8)).halves
        async let counted: Void = pair.arith.count(to: 3_000, into: sender)
        var numbers: [Int] = []
        while let number = try await receiver.receive() { numbers.append(number) }
        try await counted
        #expect(numbers == Array(0..<3_000))
        await pair.close()
    }

    @Test("Y-12: the receiving end of a channel is an argument: the callee receives until it is closed")
    func receivingEnd() async throws {
        let pair = try await SessionPair.withArith()
        let (sender, receiver) = Channel<Int>(.buffer(8)).halves
        async let sum = pair.arith.drain(receiver)
        for number in 1...3_000 { try await sender.send(number) }
        sender.close()
        #expect(try await sum == 4_501_500)
        await pair.close()
    }

    @Test("Y-12: a proxy of a channel end that is sent back is the original half")
    func channelComesHome() async throws {
        let ends = EndKeeper()
        let pair = try await SessionPair(root: EndsService.reference(to: ends))
        let client = EndsClient(pair.client.rootReference)
        let (sender, receiver) = Channel<Int>(.buffer(8)).halves
        try await client.keep(sender, receiver)
        #expect(try await client.heldSender() === sender)
        #expect(try await client.heldReceiver() === receiver)
        #expect(pair.client.statistics.channelsExported == 2)
        // Sent again it is the same proxy there.
        let (proxySender, proxyReceiver) = (await ends.sender, await ends.receiver)
        try await client.keep(sender, receiver)
        #expect(await ends.sender === proxySender)
        #expect(await ends.receiver === proxyReceiver)
        await pair.close()
    }

    @Test("one proxy of a channel as long as it lives; closed and let go of, none is left on either side")
    func noneLeft() async throws {
        let ends = EndKeeper()
        let pair = try await SessionPair(root: EndsService.reference(to: ends))
        let (sender, receiver) = Channel<Int>(.buffer(8)).halves
        try await EndsClient(pair.client.rootReference).keep(sender, receiver)
        #expect(pair.server.statistics.channelsImported == 2)
        sender.close()
        await ends.forget()
        try await eventually {
            pair.server.statistics.channelsImported == 0 && pair.client.statistics.channelsExported == 0
                && pair.client.statistics.core.channels == 0 && pair.server.statistics.core.channels == 0
        }
        await pair.close()
    }

    @Test("Y-13: closing the original tells the proxy, with its reason", arguments: [true, false])
    func closeOriginal(withError: Bool) async throws {
        let ends = EndKeeper()
        let pair = try await SessionPair(root: EndsService.reference(to: ends))
        let (sender, receiver) = Channel<Int>(.buffer(8)).halves
        try await EndsClient(pair.client.rootReference).keep(sender, receiver)
        let (proxySender, proxyReceiver) = (try #require(await ends.sender), try #require(await ends.receiver))
        if withError { receiver.close(throwing: RemoteClose(code: 7, message: "full")) } else { receiver.close() }
        try await eventually { proxySender.closeReason != nil && proxyReceiver.closeReason != nil }
        #expect(proxySender.closeReason?.cause as? RemoteClose == (withError ? RemoteClose(code: 7, message: "full") : nil))
        await #expect(throws: ChannelClosed.self) { try await proxySender.send(1) }
        await pair.close()
    }

    @Test("Y-13: closing a proxy tells the original", arguments: [true, false])
    func closeProxy(closesSender: Bool) async throws {
        let ends = EndKeeper()
        let pair = try await SessionPair(root: EndsService.reference(to: ends))
        let (sender, receiver) = Channel<Int>(.buffer(8)).halves
        try await EndsClient(pair.client.rootReference).keep(sender, receiver)
        if closesSender { await ends.sender?.close() } else { await ends.receiver?.close() }
        try await eventually { receiver.closeReason != nil }
        #expect(try await receiver.receive() == nil)
        await #expect(throws: ChannelClosed.self) { try await sender.send(1) }
        await pair.close()
    }

    @Test("what was sent before a close still arrives")
    func tailArrives() async throws {
        let ends = EndKeeper()
        let pair = try await SessionPair(root: EndsService.reference(to: ends))
        let (sender, receiver) = Channel<Int>(.unbounded).halves
        try await EndsClient(pair.client.rootReference).keep(sender, Channel<Int>(.buffer(1)).receiver)
        let proxy = try #require(await ends.sender)
        for number in 0..<100 { try await proxy.send(number) }
        proxy.close()
        var numbers: [Int] = []
        while let number = try await receiver.receive() { numbers.append(number) }
        #expect(numbers == Array(0..<100))
        await pair.close()
    }

    @Test("the last proxy of a sending half that goes away closes nothing for other senders, and the channel when it was the last")
    func lastSender() async throws {
        let ends = EndKeeper()
        let pair = try await SessionPair(root: EndsService.reference(to: ends))
        let (sender, receiver) = Channel<Int>(.buffer(8)).halves
        var mine: Sender<Int>? = sender
        try await EndsClient(pair.client.rootReference).keep(sender, Channel<Int>(.buffer(1)).receiver)
        try await ends.sender?.send(1)
        await ends.forget()
        #expect(try await receiver.receive() == 1)
        try await eventually { pair.client.statistics.channelsExported == 0 }
        #expect(receiver.closeReason == nil)
        try await mine?.send(2)
        #expect(try await receiver.receive() == 2)
        mine = nil
        await pair.close()
    }

    @Test("Y-14: a reader that does not read holds the writer on the other side, and nothing is lost")
    func backPressure() async throws {
        let ends = EndKeeper()
        var options = SessionOptions()
        options.configuration.channelElements = 16
        options.configuration.channelElementsMaximum = 16
        let pair = try await SessionPair(root: EndsService.reference(to: ends), options: options)
        let (sender, receiver) = Channel<Int>(.buffer(4)).halves
        try await EndsClient(pair.client.rootReference).keep(sender, Channel<Int>(.buffer(1)).receiver)
        let proxy = try #require(await ends.sender)
        let sent = Locked(0)
        let writer = Task {
            for number in 0..<5_000 {
                try await proxy.send(number)
                sent.withLock { $0 += 1 }
            }
        }
        // Until nothing can move any more: the channel is full, and the window is used up.
        try await eventually("the window is used up") {
            receiver.count == 4 && pair.server.references.contains { !$0.isLocal && $0.kind == .sender && $0.creditElements == 0 }
        }
        // The channel's 4, the window's 16, the proxy's own and the batch under way; then as far ahead of the reader as that.
        for number in 0..<5_000 {
            #expect(sent.withLock { $0 } < number + 500)
            #expect(try await receiver.receive() == number)
        }
        try await writer.value
        await pair.close()
    }

    @Test("services and channel ends are elements of channels")
    func referencesAsElements() async throws {
        let ends = EndKeeper()
        let pair = try await SessionPair(root: EndsService.reference(to: ends))
        let (sender, receiver) = Channel<CounterClient>(.buffer(4)).halves
        async let sum = EndsClient(pair.client.rootReference).ask(receiver)
        for start in [1, 20, 300] { try await sender.send(CounterService.client(CounterService.reference(to: Tally(start)))) }
        sender.close()
        #expect(try await sum == 321)
        try await eventually { pair.client.statistics.servicesExported == 0 }
        await pair.close()
    }

    @Test("reply channels that live for one answer leave nothing behind")
    func shortLivedChannels() async throws {
        let pair = try await SessionPair.withArith()
        for _ in 0..<(Soak.isOn ? 1_000_000 : 300) {
            let (sender, receiver) = Channel<Int>(.buffer(1)).halves
            async let counted: Void = pair.arith.count(to: 1, into: sender)
            #expect(try await receiver.receive() == 0)
            try await counted
        }
        try await eventually {
            pair.client.statistics.channelsExported == 0 && pair.server.statistics.channelsImported == 0
                && pair.client.statistics.core.exports == 0 && pair.server.statistics.core.channels == 0
        }
        await pair.close()
    }

    @Test("Y-32: when the session ends, every proxy closes and says why")
    func sessionEnds() async throws {
        let ends = EndKeeper()
        let pair = try await SessionPair(root: EndsService.reference(to: ends))
        let (sender, receiver) = Channel<Int>(.buffer(8)).halves
        try await EndsClient(pair.client.rootReference).keep(sender, receiver)
        let (proxySender, proxyReceiver) = (try #require(await ends.sender), try #require(await ends.receiver))
        await pair.close()
        try await eventually { proxySender.closeReason != nil && proxyReceiver.closeReason != nil }
        #expect(proxySender.closeReason?.cause is CallError)
        await #expect(throws: CallError.self) { try await proxyReceiver.receive() }
    }

    @Test("an end that is read as one of another type is refused, with the argument's path")
    func wrongElementType() async throws {
        let ends = EndKeeper()
        let pair = try await SessionPair(root: EndsService.reference(to: ends))
        let (sender, _) = Channel<String>(.buffer(8)).halves
        // A receiving end where a sending one belongs.
        let error = await #expect(throws: CallError.self) {
            let payload = try ServicePayload(Swapped(sender: Channel<Int>(.buffer(1)).receiver, receiver: sender), .cbor)
            _ = try await pair.client.rootReference.target.perform(Invocation(method: "keep", digest: 0, options: [], payload: payload))
        }
        #expect(error?.code == .badArgument(position: 0))
        #expect(error?.path == "sender")
        await pair.close()
    }
}
