// swift-tools-version: 6.2
// Feeds and reconciliation: what they cost in time, on the wire and in memory.

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let skerry: [Target.Dependency] = [.product(name: "SkerryGossip", package: "skerry"), .product(name: "SkerryCRDT", package: "skerry")]

let package = Package(
    name: "bench-gossip",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "skerry", path: "../..")],
    targets: [
        .executableTarget(name: "bench-gossip", dependencies: skerry, swiftSettings: settings),
        .executableTarget(name: "bench-reconciliation", dependencies: skerry, swiftSettings: settings),
        .executableTarget(
            name: "bench-documents-feed", dependencies: skerry + [.product(name: "SkerryReplication", package: "skerry")],
            swiftSettings: settings),
    ]
)
