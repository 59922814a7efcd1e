// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "SyncProtocol",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .library(name: "CBOR", targets: ["CBOR"]),
        .library(name: "CBORFoundation", targets: ["CBORFoundation"]),
        .library(name: "SyncProtocol", targets: ["SyncProtocol"]),
        .library(name: "HTTPWire", targets: ["HTTPWire"]),
        .library(name: "RecordLog", targets: ["RecordLog"]),
        .library(name: "SyncTestSupport", targets: ["SyncTestSupport"]),
    ],
    targets: [
        .target(name: "CBOR", swiftSettings: strict),
        .target(name: "CBORFoundation", dependencies: ["CBOR"], swiftSettings: strict),
        .target(name: "SyncProtocol", dependencies: ["CBOR"], swiftSettings: strict),
        .target(name: "HTTPWire", swiftSettings: strict),
        .systemLibrary(name: "CChecksum"),
        .target(name: "RecordLog", dependencies: ["CChecksum"], swiftSettings: strict),
        .target(
            name: "SyncTestSupport", dependencies: ["CBOR", "RecordLog", "SyncProtocol"],
            swiftSettings: strict),
        .executableTarget(
            name: "cbor-bench", dependencies: ["CBOR", "SyncProtocol", "SyncTestSupport"],
            path: "Benchmarks/cbor-bench", swiftSettings: strict),
        .target(
            name: "FuzzTargets",
            dependencies: ["CBOR", "CBORFoundation", "SyncProtocol", "HTTPWire"],
            path: "Fuzzing/FuzzTargets", swiftSettings: strict),
        .testTarget(
            name: "FuzzTests", dependencies: ["FuzzTargets", "SyncTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "CBORTests", dependencies: ["CBOR", "SyncTestSupport"], swiftSettings: strict),
        .testTarget(
            name: "CBORFoundationTests", dependencies: ["CBOR", "CBORFoundation"],
            swiftSettings: strict),
        .testTarget(
            name: "SyncProtocolTests", dependencies: ["CBOR", "SyncProtocol", "SyncTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "HTTPWireTests", dependencies: ["HTTPWire", "SyncTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "RecordLogTests", dependencies: ["RecordLog", "SyncTestSupport"],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
