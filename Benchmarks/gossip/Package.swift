// swift-tools-version: 6.2
// Feeds: entries applied a second, and what they cost on the wire.

import PackageDescription

let package = Package(
    name: "bench-gossip",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "skerry", path: "../..")],
    targets: [
        .executableTarget(
            name: "bench-gossip",
            dependencies: [.product(name: "SkerryGossip", package: "skerry"), .product(name: "SkerryCRDT", package: "skerry")],
            swiftSettings: [
                .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            ])
    ]
)
