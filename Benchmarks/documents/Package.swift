// swift-tools-version: 6.2
// Documents, measured on recorded sessions of writing.

import PackageDescription

let package = Package(
    name: "bench-documents",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "skerry", path: "../..")],
    targets: [
        .executableTarget(
            name: "bench-documents", dependencies: [.product(name: "SkerryCRDT", package: "skerry")],
            swiftSettings: [
                .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            ])
    ]
)
