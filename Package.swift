// swift-tools-version: 6.2
// Skerry: an S3-compatible object store whose unit of availability is the site.
// Targets stand in dependency order: a module uses only modules above it (ARCHITECTURE.md, "The rooms").

import CompilerPluginSupport
import PackageDescription

/// One list for every Swift target.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
    .enableUpcomingFeature("ExistentialAny"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
    .enableUpcomingFeature("InternalImportsByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
    .enableUpcomingFeature("MemberImportVisibility"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0461-async-function-isolation.md
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

/// Only the generator and its two fronts build swift-syntax, which takes minutes.
let syntax: [Target.Dependency] = [
    .product(name: "SwiftSyntax", package: "swift-syntax"),
    .product(name: "SwiftParser", package: "swift-syntax"),
    .product(name: "SwiftDiagnostics", package: "swift-syntax"),
]

let package = Package(
    name: "skerry",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "skerry", targets: ["skerry"]),
        .library(name: "SkerryCSP", targets: ["SkerryCSP"]),
        .library(name: "SkerryCache", targets: ["SkerryCache"]),
        .library(name: "SkerryCodec", targets: ["SkerryCodec"]),
        .library(name: "SkerryMerge", targets: ["SkerryMerge"]),
        .library(name: "SkerryCRDT", targets: ["SkerryCRDT"]),
        .library(name: "SkerryGossip", targets: ["SkerryGossip"]),
        .library(name: "SkerrySession", targets: ["SkerrySession"]),
        .library(name: "SkerryStorage", targets: ["SkerryStorage"]),
        .library(name: "SkerryHTTP", targets: ["SkerryHTTP"]),
        .library(name: "SkerryHTTPServer", targets: ["SkerryHTTPServer"]),
        .library(name: "SkerryWire", targets: ["SkerryWire"]),
        .library(name: "SkerryRPC", targets: ["SkerryRPC"]),
        .library(name: "SkerryMacros", targets: ["SkerryMacros"]),
        .library(name: "SkerryRocksDB", targets: ["SkerryRocksDB"]),
        .library(name: "SkerryDocuments", targets: ["SkerryDocuments"]),
        .library(name: "SkerryReplication", targets: ["SkerryReplication"]),
        .library(name: "SkerryChunks", targets: ["SkerryChunks"]),
        .library(name: "SkerryObjects", targets: ["SkerryObjects"]),
        .library(name: "SkerryS3", targets: ["SkerryS3"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-syntax", from: "603.0.1"),
    ],
    targets: [
        // The futex system call and a processor pause, which Swift cannot name.
        .target(name: "CSkerryLock"),
        .target(name: "SkerryCSP", dependencies: ["CSkerryLock"], swiftSettings: settings),
        .target(name: "SkerryCache", swiftSettings: settings),
        .target(name: "SkerryCodec", swiftSettings: settings),
        .target(name: "SkerryMerge", dependencies: [crypto], swiftSettings: settings),
        .target(name: "SkerryCRDT", dependencies: ["SkerryMerge"], swiftSettings: settings),
        .target(name: "SkerryGossip", dependencies: ["SkerryCRDT", crypto], swiftSettings: settings),
        .target(name: "SkerrySession", swiftSettings: settings),
        // Carry-less multiplication and CRC instructions, which Swift cannot name; portable tables beside them.
        .target(name: "CSkerryKernels"),
        .target(name: "SkerryStorage", dependencies: ["CSkerryKernels"], swiftSettings: settings),
        .target(name: "SkerryHTTP", dependencies: [httpTypes], swiftSettings: settings),
        .target(
            name: "SkerryHTTPServer",
            dependencies: [
                "SkerryHTTP", httpTypes, logging,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .target(
            name: "SkerryWire",
            dependencies: [
                "SkerrySession", "SkerryHTTP", "SkerryHTTPServer", httpTypes, crypto, logging,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings),
        .target(
            name: "SkerryRPC",
            dependencies: ["SkerryCSP", "SkerryCodec", "SkerrySession", "SkerryWire", "SkerryHTTP", httpTypes, crypto, logging],
            swiftSettings: settings),
        .target(name: "SkerryGenerator", dependencies: syntax, swiftSettings: settings),
        .macro(
            name: "SkerryMacrosPlugin",
            dependencies: [
                "SkerryGenerator",
                .product(name: "SwiftSyntaxMacros", package: "swift-syntax"),
                .product(name: "SwiftCompilerPlugin", package: "swift-syntax"),
            ],
            swiftSettings: settings),
        .target(name: "SkerryMacros", dependencies: ["SkerryMacrosPlugin", "SkerryCodec", "SkerryRPC"], swiftSettings: settings),
        .executableTarget(name: "skerry-generate", dependencies: ["SkerryGenerator"], swiftSettings: settings),
        .executableTarget(
            name: "station-example",
            dependencies: ["SkerryMacros", "SkerryRPC", "SkerryCSP", "SkerryWire", "SkerryHTTP", "SkerryHTTPServer", httpTypes, logging],
            path: "Examples/Station", exclude: ["Page"], swiftSettings: settings),
        // Not in Sources: the checks of documents in their full counts, which only an optimised program gets through.
        .executableTarget(name: "document-checks", dependencies: ["SkerryCRDT"], path: "Tests/DocumentChecks", swiftSettings: settings),
        .executableTarget(
            name: "notes-example", dependencies: ["SkerryDocuments", "SkerryCRDT", "SkerryStorage", "SkerryRocksDB", logging],
            path: "Examples/Notes", exclude: ["README.md"], swiftSettings: settings),
        .systemLibrary(name: "CRocksDB", pkgConfig: "rocksdb", providers: [.apt(["librocksdb-dev"]), .brew(["rocksdb"])]),
        // The flush of several column families at one point, which RocksDB 7's C API lacks.
        .target(name: "CRocksDBFlush", dependencies: ["CRocksDB"]),
        .target(name: "SkerryRocksDB", dependencies: ["SkerryStorage", "CRocksDB", "CRocksDBFlush"], swiftSettings: settings),
        .target(name: "SkerryDocuments", dependencies: ["SkerryCRDT", "SkerryStorage", logging], swiftSettings: settings),
        .target(
            name: "SkerryReplication",
            dependencies: [
                "SkerryGossip", "SkerryMerge", "SkerryCRDT", "SkerryDocuments", "SkerryStorage", "SkerrySession", "SkerryWire", crypto,
                logging,
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "ring-example",
            dependencies: [
                "SkerryReplication", "SkerryGossip", "SkerryCRDT", "SkerryStorage", "SkerryRocksDB", "SkerryWire", "SkerryHTTP",
                "SkerryHTTPServer", httpTypes, logging,
            ],
            path: "Examples/Ring", exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "SkerryChunks", dependencies: ["SkerryStorage", "SkerryCache", "CSkerryKernels", crypto],
            swiftSettings: settings),
        .target(
            name: "SkerryObjects", dependencies: ["SkerryChunks", "SkerryCRDT", "SkerryCache", "SkerryStorage", logging],
            swiftSettings: settings),
        .target(
            name: "SkerryS3", dependencies: ["SkerryHTTP", "SkerryObjects", "SkerryChunks", "SkerryCRDT", httpTypes, crypto, logging],
            swiftSettings: settings),
        // glibc's mallopt, which the overlay does not carry.
        .systemLibrary(name: "CMalloc"),
        .executableTarget(
            name: "skerry",
            dependencies: [
                "CMalloc", "SkerryCodec", "SkerryMerge", "SkerryCRDT", "SkerryGossip", "SkerryReplication", "SkerryWire", "SkerryS3",
                "SkerryObjects", "SkerryRocksDB", "SkerryStorage", "SkerryHTTP", "SkerryHTTPServer",
                crypto, httpTypes,
                logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .testTarget(name: "SkerryCSPTests", dependencies: ["SkerryCSP"], swiftSettings: settings),
        .testTarget(name: "SkerryCodecTests", dependencies: ["SkerryCodec"], resources: [.copy("Golden")], swiftSettings: settings),
        .testTarget(name: "SkerryMergeTests", dependencies: ["SkerryMerge"], resources: [.copy("Golden")], swiftSettings: settings),
        .testTarget(
            name: "SkerrySessionTests", dependencies: ["SkerrySession"], resources: [.copy("Golden")],
            swiftSettings: settings),
        .testTarget(
            name: "SkerryWireTests",
            dependencies: [
                "SkerryWire", "SkerrySession", "SkerryHTTP", "SkerryHTTPServer", httpTypes, logging,
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SkerryRPCTests",
            dependencies: [
                "SkerryRPC", "SkerryWire", "SkerrySession", "SkerryCSP", "SkerryCodec", "SkerryHTTP", "SkerryHTTPServer", httpTypes,
                logging,
            ],
            swiftSettings: settings),
        // Not on SkerryMacrosPlugin: a test that imports a macro's target makes SwiftPM build everything a second time, for the host.
        .testTarget(
            name: "SkerryMacrosTests",
            dependencies: [
                "SkerryMacros", "SkerryGenerator", "skerry-generate", "SkerryCodec", "SkerryRPC", "SkerryWire", "SkerryCSP",
            ] + syntax, resources: [.copy("Golden")], swiftSettings: settings),
        .testTarget(name: "SkerryCacheTests", dependencies: ["SkerryCache"], swiftSettings: settings),
        .testTarget(
            name: "SkerryCRDTTests", dependencies: ["SkerryCRDT", "SkerryMerge", "document-checks"], resources: [.copy("Golden")],
            swiftSettings: settings),
        .testTarget(
            name: "SkerryGossipTests", dependencies: ["SkerryGossip", "SkerryCRDT", crypto], resources: [.copy("Golden")],
            swiftSettings: settings),
        .testTarget(
            name: "SkerryDocumentsTests", dependencies: ["SkerryDocuments", "SkerryCRDT", "SkerryStorage", "SkerryRocksDB", logging],
            resources: [.copy("Golden")], swiftSettings: settings),
        .testTarget(
            name: "SkerryReplicationTests",
            dependencies: [
                "SkerryReplication", "SkerryGossip", "SkerryMerge", "SkerryCRDT", "SkerryDocuments", "SkerryStorage", "SkerryRocksDB",
                "SkerrySession", "SkerryWire", logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SkerryStorageTests", dependencies: ["SkerryStorage", "SkerryRocksDB", "CSkerryKernels"],
            resources: [.copy("Golden")], swiftSettings: settings),
        .testTarget(
            name: "SkerryHTTPServerTests",
            dependencies: ["SkerryHTTP", "SkerryHTTPServer", httpTypes, logging, .product(name: "NIOCore", package: "swift-nio")],
            swiftSettings: settings),
        .testTarget(
            name: "SkerryChunksTests", dependencies: ["SkerryChunks", "SkerryStorage", "CSkerryKernels", crypto], swiftSettings: settings),
        .testTarget(
            name: "SkerryObjectsTests",
            dependencies: ["SkerryObjects", "SkerryChunks", "SkerryCRDT", "SkerryStorage", "SkerryRocksDB", logging],
            resources: [.copy("Golden")], swiftSettings: settings),
        .testTarget(
            name: "SkerryS3Tests", dependencies: ["SkerryS3", "SkerryObjects", "SkerryHTTP", httpTypes, crypto], swiftSettings: settings),
        .testTarget(
            name: "skerryTests",
            dependencies: [
                "skerry", "SkerryCodec", "SkerryMerge", "SkerryGossip", "SkerryReplication", "SkerryWire", "SkerryHTTP", "SkerryHTTPServer",
                "SkerryRocksDB", httpTypes, logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
    ],
    cxxLanguageStandard: .cxx17
)
