import Foundation
import SkerryGenerator
import Testing

@Suite("Printed files of this repository")
struct CommittedOutputTests {
    /// The Swift files of the product and its tests.
    private func files() throws -> [URL] {
        var found: [URL] = []
        for folder in ["Sources", "Tests", "Benchmarks"] {
            let root = Golden.repository.appending(path: folder)
            let enumerator = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
            while let url = enumerator?.nextObject() as? URL {
                if url.pathExtension == "swift" { found.append(url) }
            }
        }
        return found.sorted { $0.path < $1.path }
    }

    @Test("Every file with marks in comments has its printed file, and that is what it expands to today")
    func current() throws {
        var count = 0
        for url in try files() {
            let text = try String(contentsOf: url, encoding: .utf8)
            guard CommentedAttributes.mark(text) else { continue }
            count += 1
            let name = url.lastPathComponent
            let file = SourceFile(name: name, text: text)
            #expect(file.messages == [])
            let output = url.deletingLastPathComponent().appending(path: SourceFile.outputName(name))
            let printed = try? String(contentsOf: output, encoding: .utf8)
            #expect(printed == file.printed(), "\(output.lastPathComponent) is not current: run skerry-generate --write on \(name)")
        }
        #expect(count >= 1)
    }

    @Test("Every printed file has the source it names beside it")
    func noneLeftOver() throws {
        for url in try files() {
            guard let source = SourceFile.source(ofPrinted: try String(contentsOf: url, encoding: .utf8)) else { continue }
            #expect(url.lastPathComponent == SourceFile.outputName(source))
            let text = try String(contentsOf: url.deletingLastPathComponent().appending(path: source), encoding: .utf8)
            #expect(CommentedAttributes.mark(text))
        }
    }
}
