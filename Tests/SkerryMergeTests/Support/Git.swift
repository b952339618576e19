import Foundation

/// The git on this machine, as an oracle. Many cases go through one process each time, because starting one costs more than a case.
enum Git {
    /// Runs a shell script in a directory of its own and hands its output to `body`.
    static func withDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("skerry-merge-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try body(directory)
    }

    @discardableResult
    static func shell(_ script: String, in directory: URL, input: [UInt8] = []) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script]
        process.currentDirectoryURL = directory
        var environment = ProcessInfo.processInfo.environment
        environment["GIT_CONFIG_NOSYSTEM"] = "1"
        environment["GIT_CONFIG_GLOBAL"] = "/dev/null"
        for (name, value) in ["AUTHOR_NAME": "a", "AUTHOR_EMAIL": "a@b", "COMMITTER_NAME": "a", "COMMITTER_EMAIL": "a@b"] {
            environment["GIT_\(name)"] = value
        }
        process.environment = environment
        let inputFile = directory.appendingPathComponent(".input"), outputFile = directory.appendingPathComponent(".output")
        try Data(input).write(to: inputFile)
        _ = FileManager.default.createFile(atPath: outputFile.path, contents: nil)
        process.standardInput = try FileHandle(forReadingFrom: inputFile)
        process.standardOutput = try FileHandle(forWritingTo: outputFile)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return Array(try Data(contentsOf: outputFile))
    }

    /// The directory this package is checked out in, when it is a git checkout.
    static var checkout: URL? {
        var directory = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        while directory.path != "/" {
            directory.deleteLastPathComponent()
            if FileManager.default.fileExists(atPath: directory.appendingPathComponent(".git").path) { return directory }
        }
        return nil
    }
}

func soakRequested() -> Bool { ProcessInfo.processInfo.environment["SKERRY_SOAK"] == "1" }
