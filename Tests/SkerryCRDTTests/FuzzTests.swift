import Testing

@testable import SkerryCRDT
@testable import document_checks

/// Bytes that are not what they should be; millions of them go through `document-checks`.
@Suite("Hostile bytes")
struct FuzzTests {
    @Test("damage is told apart: not ours, cut short, flipped, newer")
    func kinds() throws {
        let samples = try Hostile.samples()
        func code(_ bytes: [UInt8]) -> DocumentError.Code? {
            do {
                try Document(origin: OriginID(rawValue: 50), now: { 1000 }).merge(bytes)
                return nil
            } catch { return error.code }
        }
        let good = samples.history
        #expect(code(good) == nil)
        #expect(code(Array("GIF89a-and-so-on".utf8)) == .corrupt)
        #expect(code(Array(good.dropLast())) == .corrupt)
        var flipped = good
        flipped[good.count / 2] ^= 4
        #expect(code(flipped) == .corrupt)
        var newer = good
        newer[4] = 9
        let header = newer[..<12].withUnsafeBufferPointer { CRC32C.checksum($0) }
        let checksum = newer[16...].withUnsafeBufferPointer { CRC32C.checksum($0, after: header) }
        for byte in 0..<4 { newer[12 + byte] = UInt8(truncatingIfNeeded: checksum >> UInt32(byte * 8)) }
        #expect(code(newer) == .unsupportedVersion)
        #expect(code(samples.snapshot) == .mismatch)
    }

    @Test("an event that reaches outside its text is refused with its name")
    func outOfBounds() throws {
        let writer = Document(origin: OriginID(rawValue: 7))
        writer.change { $0.text("t").insert("abc", at: 0) }
        for (kind, position, count) in [(ChangeBatch.Operation.Kind.deletion, 2, 2), (.insertion, 4, 1), (.deletion, 0, 4)] {
            for isConcurrent in [false, true] {
                var batch = ChangeBatch()
                batch.origins = [OriginID(rawValue: 7), OriginID(rawValue: 8)]
                batch.containers = [ChangeBatch.Container(parent: ContainerTable.root, key: "t", kind: .text, depth: 1)]
                batch.parents.append(ChangeBatch.Parent(origin: 0, sequence: isConcurrent ? 1 : 2))
                batch.runs.append(
                    ChangeBatch.Run(
                        origin: 1, sequence: 0, count: UInt32(count), parents: 0, parentCount: 1, operations: 0, operationCount: 1))
                batch.bytes.append(repeating: 65, count: count)
                // Having seen two of the three characters, a position is out of bounds one earlier.
                batch.operations.append(
                    ChangeBatch.Operation(
                        container: 0, kind: kind, count: UInt32(count), position: UInt32(position), content: 0, contentCount: UInt32(count))
                )
                let before = writer.snapshot()
                let error = #expect(throws: DocumentError.self) { try writer.apply(batch) }
                #expect(error?.code == .invalidEvent)
                #expect(error?.message.contains("0000000000000008") == true)
                #expect(writer.snapshot() == before)
            }
        }
        writer.change { $0.text("t").insert("d", at: 3) }
        #expect(writer.text("t").string == "abcd")
    }
}
