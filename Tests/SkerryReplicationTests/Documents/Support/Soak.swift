import Foundation

/// Whether the long forms of tests run.
let isSoak = ProcessInfo.processInfo.environment["SKERRY_SOAK"] != nil
