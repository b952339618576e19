import Foundation

func write(_ bytes: [UInt8], _ name: String, _ directory: URL) throws {
    try Data(bytes).write(to: directory.appendingPathComponent(name))
}

/// The bytes of a file; empty when there is none.
func read(_ name: String, _ directory: URL) -> [UInt8] {
    (try? Data(contentsOf: directory.appendingPathComponent(name))).map(Array.init) ?? []
}

/// A golden file of these tests.
func golden(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../Golden/\(name)")))
}
