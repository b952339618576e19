import SkerryCRDT
import SkerryDocuments
import Testing

@testable import SkerryReplication

/// Nodes that write to few documents, delete them, meet now and then, lose power, and in the end all meet. What they should come to is told by a model
/// that knows every event and every removal.
@Suite("Simulated documents that are deleted", .timeLimit(.minutes(4)))
struct DocumentDeletionSimulationTests {
    /// One insertion of a text that is nowhere else.
    private struct Edit {
        var name: String
        var text: String
        var event: Dot
        /// What its author had of the document.
        var past: CausalContext
    }

    private struct World {
        var nodes: [DocumentNode] = []
        var edits: [Edit] = []
        /// What removals had seen, by name.
        var removed: [String: CausalContext] = [:]
        var draws: SeededDraws
        var counts = (edits: 0, removals: 0, back: 0, gone: 0, apart: 0)

        init(seed: UInt64) async throws {
            draws = SeededDraws(seed: seed)
            for number in 0..<3 {
                nodes.append(try await DocumentNode("n\(number)", form: draws.next(below: 2) == 0 ? .file : .engine))
            }
        }

        mutating func run(steps: Int) async throws {
            for step in 0..<steps {
                let node = nodes[draws.next(below: nodes.count)]
                let name = "d\(draws.next(below: 3))"
                switch draws.next(below: 10) {
                case 0...4: try await edit(name, at: node, step)
                case 5...6: try await delete(name, at: node)
                case 7: try await node.crash()
                default: try await meet(node, nodes[draws.next(below: nodes.count)])
                }
            }
            for _ in 0..<2 {
                for node in nodes { for other in nodes { try await meet(node, other) } }
            }
        }

        private mutating func edit(_ name: String, at node: DocumentNode, _ step: Int) async throws {
            let past = try await node.documents.document(name).version
            let text = "<\(step)>"
            try await node.append(text, to: name)
            let document = try await node.documents.document(name)
            guard let event = document.heads.first, document.heads.count == 1 else { throw WaitedInVain() }
            edits.append(Edit(name: name, text: text, event: event, past: past))
            counts.edits += 1
        }

        private mutating func delete(_ name: String, at node: DocumentNode) async throws {
            let seen = try await node.documents.document(name).version
            guard !seen.isEmpty else { return }
            try await node.documents.delete(name)
            removed[name, default: CausalContext()].merge(seen)
            counts.removals += 1
        }

        private func meet(_ one: DocumentNode, _ other: DocumentNode) async throws {
            guard one !== other else { return }
            let session = try one.replica.start(with: other.replica)
            for node in [one, other] { try await node.documents.settle() }
            session.close()
            try await session.ended()
            for node in [one, other] { _ = try await node.texts() }
        }

        /// What is left of each document: the texts that are in it.
        func expected() -> [String: Set<String>] {
            var found: [String: Set<String>] = [:]
            for (name, edits) in Dictionary(grouping: edits, by: \.name) {
                let seen = removed[name] ?? CausalContext()
                let unseen = edits.filter { !seen.covers($0.event) }
                let isBack = unseen.contains { edit in edit.past.dots.contains { seen.sequence(of: $0.origin) > 0 } }
                let left = isBack ? edits : unseen
                if !left.isEmpty { found[name] = Set(left.map(\.text)) }
            }
            return found
        }

        mutating func verify(_ seed: UInt64) async throws {
            let expected = expected()
            for node in nodes {
                let texts = try await node.texts()
                let found = texts.mapValues { text in Set(edits.map(\.text).filter { text.contains($0) }) }
                #expect(found == expected, "seed \(seed), \(node.name)")
                let first = try await nodes[0].texts()
                #expect(texts == first, "seed \(seed), \(node.name)")
                #expect(node.replica.digest == nodes[0].replica.digest, "seed \(seed), \(node.name)")
                #expect(node.documents.unreadNames.isEmpty && node.documents.refusals.isEmpty, "seed \(seed), \(node.name)")
                #expect(try await node.store.check().isEmpty, "seed \(seed), \(node.name)")
            }
            for (name, edits) in Dictionary(grouping: edits, by: \.name) {
                guard let seen = removed[name] else { continue }
                let left = expected[name]
                if left == nil { counts.gone += 1 } else if left?.count == edits.count { counts.back += 1 } else { counts.apart += 1 }
                // Nothing that no deletion had seen is lost.
                for edit in edits where !seen.covers(edit.event) { #expect(left?.contains(edit.text) ?? false) }
            }
        }
    }

    @Test("nodes that write, delete, meet and crash agree in the end, and no edit that no deletion had seen is lost")
    func convergence() async throws {
        var total = (back: 0, gone: 0, apart: 0)
        for seed in isDocumentSoak ? 0..<400 as Range<UInt64> : 0..<40 {
            var world = try await World(seed: seed)
            try await world.run(steps: 40)
            try await world.verify(seed)
            total = (total.back + world.counts.back, total.gone + world.counts.gone, total.apart + world.counts.apart)
        }
        // Each way that a document can go was there.
        #expect(total.back > 3 && total.gone > 3 && total.apart > 3, "\(total)")
    }
}
