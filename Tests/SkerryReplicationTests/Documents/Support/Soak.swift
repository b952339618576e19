import Foundation

/// Whether the long forms of tests run.
let isDocumentSoak = ProcessInfo.processInfo.environment["SKERRY_SOAK"] != nil
