import Foundation
import SkerryCRDT

/// Recorded editing against an array of scalars, or for two writers the naive tree.
enum Traces {
    struct File: Decodable, Sendable {
        struct Transaction: Decodable, Sendable {
            var parents: [Int]?
            var agent: Int?
            var patches: [Patch]
        }

        struct Patch: Decodable, Sendable {
            var position: Int
            var deleted: Int
            var inserted: String

            init(from decoder: any Decoder) throws {
                var values = try decoder.unkeyedContainer()
                position = try values.decode(Int.self)
                deleted = try values.decode(Int.self)
                inserted = try values.decode(String.self)
            }
        }

        var endContent: String
        var txns: [Transaction]
    }

    /// Those of the tree, and what else lies in the folder that `SKERRY_TRACES` names.
    static var names: [String] {
        let more = try? ProcessInfo.processInfo.environment["SKERRY_TRACES"].map(FileManager.default.contentsOfDirectory)
        return ["automerge-paper", "rustcode", "sveltecomponent", "friendsforever_flat", "friendsforever"]
            + (more ?? []).filter { $0.hasSuffix(".json.gz") }.map { String($0.dropLast(8)) }.sorted()
    }

    static func run(_ name: String, looks: Int) throws {
        let trace = try load(name)
        let agents = trace.txns.reduce(0) { max($0, ($1.agent ?? -1) + 1) }
        if agents > 0 { try concurrent(name, trace, agents: agents, looks: looks) } else { try sequential(name, trace, looks: looks) }
    }

    private static func path(_ name: String) -> String {
        let here = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        let root = (0..<4).reduce(here) { url, _ in url.deletingLastPathComponent() }
        let ours = root.appendingPathComponent("Benchmarks/Traces/\(name).json.gz").path
        let more = ProcessInfo.processInfo.environment["SKERRY_TRACES"] ?? "."
        return FileManager.default.fileExists(atPath: ours) ? ours : "\(more)/\(name).json.gz"
    }

    private static func load(_ name: String) throws -> File {
        let gzip = Process(), pipe = Pipe()
        gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        gzip.arguments = ["gzip", "-dc", path(name)]
        gzip.standardOutput = pipe
        try gzip.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        gzip.waitUntilExit()
        return try JSONDecoder().decode(File.self, from: data)
    }

    /// One writer, one commit a transaction.
    private static func sequential(_ name: String, _ trace: File, looks: Int) throws {
        var random = CheckRandom(seed: 1)
        let document = Document(origin: OriginID(rawValue: 1))
        let chosen = Set((0..<looks).map { _ in random.below(trace.txns.count) })
        var scalars: [Unicode.Scalar] = []
        var seen: [(version: CausalContext, text: [Unicode.Scalar])] = []
        for (index, transaction) in trace.txns.enumerated() {
            document.change { change in
                for patch in transaction.patches {
                    change.text("t").replace(patch.position..<patch.position + patch.deleted, in: .scalars, with: patch.inserted)
                }
            }
            for patch in transaction.patches {
                scalars.replaceSubrange(patch.position..<patch.position + patch.deleted, with: Array(patch.inserted.unicodeScalars))
            }
            if chosen.contains(index) { seen.append((document.version, scalars)) }
        }
        try require(document.text("t").string == trace.endContent, "\(name) ends on another text")
        try require(Array(trace.endContent.unicodeScalars) == scalars, "\(name): the array ends on another text")
        for (version, text) in seen {
            try require(Array(try document.at(version).text("t").string.unicodeScalars) == text, "\(name): another text at \(version)")
        }
        let read = Document(origin: OriginID(rawValue: 2))
        try read.merge(document.history())
        try require(read.text("t").string == trace.endContent, "\(name) reads back as another text")
    }

    /// Several writers, each transaction made by a document that has seen exactly what its writer had, and followed one at a time.
    private static func concurrent(_ name: String, _ trace: File, agents: Int, looks: Int) throws {
        var random = CheckRandom(seed: 1)
        let writers = (0..<agents).map { Document(origin: OriginID(rawValue: UInt64($0) + 1)) }
        let follower = Document(origin: OriginID(rawValue: 900))
        var trees = Array(repeating: FugueOrder(), count: agents)
        var scalars: [Unicode.Scalar] = []
        enum Step { case insert(Int, FugueOrder.Placement), delete(Int) }
        var steps: [[Step]] = [], bytes: [[UInt8]] = [], past: [Set<Int>] = Array(repeating: [], count: agents)
        let chosen = Set((0..<looks).map { _ in random.below(trace.txns.count) })
        var seen: [(version: CausalContext, text: String)] = []
        func text(_ writer: Int) -> String { String(String.UnicodeScalarView(trees[writer].visible().map { scalars[$0] })) }
        for (index, transaction) in trace.txns.enumerated() {
            let writer = transaction.agent!
            // What its parents had seen: they are the newest, so everything before them that is missing.
            var missing: [Int] = [], open = transaction.parents!
            while let parent = open.popLast() {
                if !past[writer].insert(parent).inserted { continue }
                missing.append(parent)
                open += trace.txns[parent].parents!
            }
            for parent in missing.sorted() {
                try writers[writer].merge(bytes[parent])
                for step in steps[parent] {
                    switch step {
                    case .insert(let unit, let placement): trees[writer].place(unit, placement)
                    case .delete(let unit): trees[writer].delete(unit)
                    }
                }
            }
            let before = writers[writer].version
            var own: [Step] = []
            writers[writer].change { change in
                for patch in transaction.patches {
                    change.text("t").replace(patch.position..<patch.position + patch.deleted, in: .scalars, with: patch.inserted)
                    for _ in 0..<patch.deleted {
                        let unit = trees[writer].unit(at: patch.position)
                        trees[writer].delete(unit)
                        own.append(.delete(unit))
                    }
                    for (offset, scalar) in patch.inserted.unicodeScalars.enumerated() {
                        scalars.append(scalar)
                        let placement = trees[writer].insert(scalars.count - 1, at: patch.position + offset, origin: UInt64(writer) + 1)
                        own.append(.insert(scalars.count - 1, placement))
                    }
                }
            }
            steps.append(own)
            past[writer].insert(index)
            bytes.append(try writers[writer].history(since: before))
            try require(try follower.merge(bytes[index]).missing == nil, "\(name): transaction \(index) came too early")
            if chosen.contains(index) { seen.append((writers[writer].version, text(writer))) }
        }
        try require(follower.text("t").string == trace.endContent, "\(name) ends on another text")
        for (version, text) in seen {
            try require(try follower.at(version).text("t").string == text, "\(name): another text at \(version)")
        }
        let read = Document(origin: OriginID(rawValue: 800))
        try read.merge(follower.history())
        try require(read.text("t").string == trace.endContent, "\(name) reads back as another text")
    }
}
