// swift-tools-version: 6.2
// Channels, codecs and calls, measured. The peers stand in packages and languages of their own (`grpc/`, `go/`).

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
    name: "bench-services",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "skerry", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .executableTarget(
            name: "bench-channels", dependencies: [.product(name: "SkerryCSP", package: "skerry")], swiftSettings: settings),
        .executableTarget(
            name: "bench-codec", dependencies: [.product(name: "SkerryCodec", package: "skerry")], swiftSettings: settings),
        .executableTarget(
            name: "bench-session", dependencies: [.product(name: "SkerrySession", package: "skerry")], swiftSettings: settings),
        .executableTarget(
            name: "bench-calls",
            dependencies: [
                .product(name: "SkerryCSP", package: "skerry"), .product(name: "SkerryCodec", package: "skerry"),
                .product(name: "SkerrySession", package: "skerry"), .product(name: "SkerryWire", package: "skerry"),
                .product(name: "SkerryRPC", package: "skerry"), .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
    ]
)
