// swift-tools-version: 6.2
// Diff, measured beside git's.

import PackageDescription

let package = Package(
    name: "bench-merge",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "skerry", path: "../..")],
    targets: [
        .executableTarget(
            name: "bench-merge", dependencies: [.product(name: "SkerryMerge", package: "skerry")],
            swiftSettings: [
                .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            ])
    ]
)
