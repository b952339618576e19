import SkerryChunks
import SkerryStorage
import Testing

@testable import SkerryObjects

@Suite("Uploads hold bounded memory")
struct UploadTests {
    @Test("admission: slots, then a line in order, then refusal; a waiter may give up")
    func admission() {
        var admission = UploadAdmission<String>(slots: 2, waitingMaximum: 2)
        guard case .admitted = admission.enter("a"), case .admitted = admission.enter("b") else { return #expect(Bool(false)) }
        #expect(admission.free == 0)
        guard case .wait(let c) = admission.enter("c"), case .wait(let d) = admission.enter("d") else { return #expect(Bool(false)) }
        guard case .refuse = admission.enter("e") else { return #expect(Bool(false)) }
        #expect(admission.cancel(id: c) == "c")
        #expect(admission.cancel(id: c) == nil, "once")
        guard case .wait = admission.enter("f") else { return #expect(Bool(false)) }
        #expect(admission.leave() == "d")
        #expect(admission.cancel(id: d) == nil, "admitted meanwhile")
        #expect(admission.leave() == "f")
        #expect(admission.leave() == nil)
        #expect(admission.leave() == nil)
        #expect(admission.free == 2)
    }

    private static func configuration(slots: Int, waiting: Int = 2048) -> HarnessConfiguration {
        var configuration = HarnessConfiguration()
        configuration.options.uploadMemory = slots * BodyWriter.windowMaximum
        configuration.options.uploadsWaitingMaximum = waiting
        return configuration
    }

    @Test("the window never outgrows its name, whatever the pieces", arguments: [1 << 10, 100_000, 8 << 20, 30 << 20])
    func window(_ piece: Int) async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            // Zeros are cut at the maximum: the largest chunks there are.
            for bytes in [[UInt8](repeating: 0, count: 30 << 20), randomBytes(4 << 20, seed: 1)] {
                let writer = try harness.store.bodyWriter(
                    tenant: bucket.tenant, announced: nil, checksums: [], sha256: false, needsManifests: false)
                for start in stride(from: 0, to: bytes.count, by: piece) {
                    try await writer.write(bytes[start..<min(start + piece, bytes.count)])
                    #expect(writer.window.count <= BodyWriter.windowMaximum)
                }
                // Room once taken is not given back, so it tells the most that was ever held.
                #expect(writer.window.capacity <= BodyWriter.windowMaximum + (64 << 10))
                let finished = try await writer.finish(mayInline: true)
                #expect(finished.size == UInt64(bytes.count))
            }
        }
    }

    @Test("small uploads need no slot, large ones wait for one, and too many are told to slow down")
    func slots() async throws {
        try await Harness.with(.memory, UploadTests.configuration(slots: 1, waiting: 1)) { harness in
            let bucket = try await harness.makeBucket()
            let store = harness.store
            let first = try store.put("first", in: bucket, PutOptions())
            try await first.write(randomBytes(70_000, seed: 1)[...])
            #expect(store.slots.free == 0)
            try await store.put(randomBytes(BodyWriter.freeMaximum, seed: 2), as: "small", in: bucket)
            let waiting = Task { try await store.put(randomBytes(70_000, seed: 3), as: "second", in: bucket) }
            try await until("the second upload waits for a slot") { store.slots.waitingCount > 0 }
            let error = await #expect(throws: ObjectError.self) {
                try await store.put(randomBytes(70_000, seed: 4), as: "third", in: bucket)
            }
            #expect(error?.code == .slowDown && error?.retryAfter != nil)
            _ = try await first.finish(PayloadExpectation())
            _ = try await waiting.value
            #expect(store.slots.free == 1)
            #expect(try await store.get("second", in: bucket) == randomBytes(70_000, seed: 3))
        }
    }

    @Test("a waiting upload whose task is cancelled leaves the line, and nobody waits for ever")
    func cancellation() async throws {
        try await Harness.with(.memory, UploadTests.configuration(slots: 1)) { harness in
            let bucket = try await harness.makeBucket()
            let store = harness.store
            let first = try store.put("first", in: bucket, PutOptions())
            try await first.write(randomBytes(70_000, seed: 1)[...])
            let tasks = (0..<20).map { number in
                Task { try await store.put(randomBytes(70_000, seed: 2), as: key("\(number)"), in: bucket) }
            }
            try await until("all uploads wait for a slot") { store.slots.waitingCount == 20 }
            for task in tasks { task.cancel() }
            for task in tasks { await #expect(throws: ObjectError.self) { try await task.value } }
            let cancelledBefore = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await store.put(randomBytes(70_000, seed: 2), as: "late", in: bucket)
            }
            await #expect(throws: ObjectError.self) { try await cancelledBefore.value }
            #expect(store.slots.waitingCount == 0)
            first.abort()
            #expect(store.slots.free == 1)
        }
    }

    @Test("slots come back when an upload is aborted, dropped, refused or fails")
    func slotsComeBack() async throws {
        try await Harness.with(.memory, UploadTests.configuration(slots: 1)) { harness in
            let bucket = try await harness.makeBucket()
            let store = harness.store
            func begin(_ options: PutOptions = PutOptions()) async throws -> ObjectUpload {
                let upload = try store.put("object", in: bucket, options)
                try await upload.write(randomBytes(70_000, seed: 1)[...])
                #expect(store.slots.free == 0)
                return upload
            }
            var upload: ObjectUpload? = try await begin()
            upload?.abort()
            upload?.abort()
            #expect(store.slots.free == 1)
            upload = try await begin()
            withExtendedLifetime(upload) {}
            upload = nil
            #expect(store.slots.free == 1)
            upload = try await begin(PutOptions(length: 80_000))
            await #expect(throws: ObjectError.self) { try await upload?.write(randomBytes(20_000, seed: 2)[...]) }
            upload = nil
            #expect(store.slots.free == 1)
            upload = try await begin(PutOptions(length: 80_000))
            await #expect(throws: ObjectError.self) { try await upload?.finish(PayloadExpectation()) }
            upload = nil
            #expect(store.slots.free == 1)
            upload = try await begin()
            await #expect(throws: ObjectError.self) { try await upload?.finish(PayloadExpectation(md5: MD5Digest(of: [1]))) }
            #expect(store.slots.free == 1)
            upload = try await begin()
            harness.files.inject(FileFault(.write))
            await #expect(throws: ObjectError.self) { try await upload?.finish(PayloadExpectation()) }
            upload = nil
            #expect(store.slots.free == 1)
            // And nothing of all this is left.
            #expect(try await store.list(ListRequest(), in: bucket).entries.isEmpty)
            #expect(try Dump.rows(harness.metadata, .references).isEmpty)
        }
    }

    @Test("uploads that are cut short leave chunks that a collection takes away")
    func cutShort() async throws {
        var configuration = HarnessConfiguration()
        configuration.options.collectionGrace = 0
        try await Harness.with(.memory, configuration) { harness in
            let bucket = try await harness.makeBucket()
            var upload: ObjectUpload? = try harness.store.put("object", in: bucket, PutOptions())
            try await upload?.write(randomBytes(5 << 20, seed: 1)[...])
            try await harness.store.collect()
            try await harness.store.collect()
            #expect(try !Dump.rows(harness.metadata, .chunks).isEmpty, "pinned")
            withExtendedLifetime(upload) {}
            upload = nil
            try await harness.store.collect()
            try await harness.store.collect()
            #expect(try Dump.rows(harness.metadata, .chunks).isEmpty)
        }
    }

    @Test("blocks that wait for the index are brought there although nobody commits")
    func backlog() async throws {
        try await Harness.with { harness in
            let bucket = try await harness.makeBucket()
            let pins = PinSet(harness.store.blocks.pins)
            for number in 0..<LogWriter.backlogMaximum {
                let bytes = randomBytes(10, seed: UInt64(number))
                let name = BlockName(tenant: bucket.tenant, digest: bytes.withUnsafeBytes { Digest(of: $0) })
                try harness.store.blocks.store([Block(name: name, bytes: bytes[...], isManifest: false)], pins: pins)
            }
            // Its turn comes behind the checkpoint's.
            try await harness.store.committer.commit(.everything) { context throws(ObjectError) in
                let rows = try engine { () throws(StorageError) in try Dump.rows(context.metadata, .chunks).count }
                #expect(rows >= LogWriter.backlogMaximum)
            }
            withExtendedLifetime(pins) {}
        }
    }
}
