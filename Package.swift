// swift-tools-version: 6.2
import PackageDescription

// The one manifest that an embedder by git URL sees. Its targets point into Packages/, where each
// package has a manifest of its own with the same settings, so that it also builds alone.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]
let proto = "Packages/SyncProtocol"
let client = "Packages/SyncClient"
let server = "Packages/SyncServer"

let package = Package(
    name: "EntitySync",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .library(name: "CBOR", targets: ["CBOR"]),
        .library(name: "CBORFoundation", targets: ["CBORFoundation"]),
        .library(name: "SyncProtocol", targets: ["SyncProtocol"]),
        .library(name: "SyncClient", targets: ["SyncClient"]),
        .library(name: "SyncServer", targets: ["SyncServer"]),
        .library(name: "Simulation", targets: ["Simulation"]),
        .library(name: "SyncConformance", targets: ["SyncConformance"]),
        .executable(name: "entitysync", targets: ["entitysync"]),
        .executable(name: "entitysync-server", targets: ["entitysync-server"]),
        .executable(name: "entitysync-simulator", targets: ["entitysync-simulator"]),
    ],
    targets: [
        .target(name: "CBOR", path: "\(proto)/Sources/CBOR", swiftSettings: strict),
        .target(
            name: "CBORFoundation", dependencies: ["CBOR"],
            path: "\(proto)/Sources/CBORFoundation", swiftSettings: strict),
        .target(
            name: "SyncProtocol", dependencies: ["CBOR"],
            path: "\(proto)/Sources/SyncProtocol", swiftSettings: strict),
        .target(name: "HTTPWire", path: "\(proto)/Sources/HTTPWire", swiftSettings: strict),
        .systemLibrary(name: "CChecksum", path: "\(proto)/Sources/CChecksum"),
        .target(
            name: "RecordLog", dependencies: ["CChecksum"], path: "\(proto)/Sources/RecordLog",
            swiftSettings: strict),
        .target(
            name: "SyncTestSupport", dependencies: ["CBOR", "RecordLog", "SyncProtocol"],
            path: "\(proto)/Sources/SyncTestSupport", swiftSettings: strict),
        .target(
            name: "SyncClient",
            dependencies: ["CBOR", "CBORFoundation", "SyncProtocol", "HTTPWire", "RecordLog"],
            path: "\(client)/Sources/SyncClient", swiftSettings: strict),
        .target(
            name: "SyncConformance", dependencies: ["CBOR", "SyncProtocol", "HTTPWire"],
            path: "\(client)/Sources/SyncConformance", swiftSettings: strict),
        .executableTarget(
            name: "entitysync",
            dependencies: ["CBOR", "SyncClient", "SyncConformance", "SyncProtocol", "RecordLog"],
            path: "\(client)/Sources/entitysync", swiftSettings: strict),
        .systemLibrary(name: "CLinux", path: "\(server)/Sources/CLinux"),
        .systemLibrary(
            name: "COpenSSL", path: "\(server)/Sources/COpenSSL", pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"])]),
        .target(
            name: "Cryptography",
            dependencies: [.target(name: "COpenSSL", condition: .when(platforms: [.linux]))],
            path: "\(server)/Sources/Cryptography", swiftSettings: strict),
        .systemLibrary(
            name: "CZlib", path: "\(server)/Sources/CZlib", pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "GzipCoding", dependencies: ["CZlib"], path: "\(server)/Sources/GzipCoding",
            swiftSettings: strict),
        .target(
            name: "SyncServer",
            dependencies: [
                "CBOR", "SyncProtocol", "HTTPWire", "RecordLog", "Cryptography", "GzipCoding",
                .target(name: "CLinux", condition: .when(platforms: [.linux])),
            ],
            path: "\(server)/Sources/SyncServer", swiftSettings: strict),
        .executableTarget(
            name: "entitysync-server", dependencies: ["SyncServer"],
            path: "\(server)/Sources/entitysync-server", swiftSettings: strict),
        .target(
            name: "Simulation",
            dependencies: [
                "CBOR", "SyncProtocol", "HTTPWire", "RecordLog", "SyncClient", "SyncServer",
                "SyncTestSupport",
            ],
            path: "\(server)/Sources/Simulation", swiftSettings: strict),
        .executableTarget(
            name: "entitysync-simulator", dependencies: ["Simulation"],
            path: "\(server)/Sources/entitysync-simulator", swiftSettings: strict),
        .executableTarget(
            name: "entitysync-chaos",
            dependencies: ["CBOR", "SyncProtocol", "SyncClient", "SyncTestSupport"],
            path: "\(server)/Sources/entitysync-chaos", swiftSettings: strict),
        .executableTarget(
            name: "server-bench", dependencies: ["CBOR", "SyncProtocol"],
            path: "\(server)/Benchmarks/server-bench", swiftSettings: strict),
        .executableTarget(
            name: "notes", dependencies: ["CBOR", "SyncClient"],
            path: "examples/Notes/Sources/notes", swiftSettings: strict),

        .executableTarget(
            name: "cbor-bench", dependencies: ["CBOR", "SyncProtocol", "SyncTestSupport"],
            path: "\(proto)/Benchmarks/cbor-bench", swiftSettings: strict),
        .target(
            name: "FuzzTargets",
            dependencies: ["CBOR", "CBORFoundation", "SyncProtocol", "HTTPWire"],
            path: "\(proto)/Fuzzing/FuzzTargets", swiftSettings: strict),
        .testTarget(
            name: "FuzzTests", dependencies: ["FuzzTargets", "SyncTestSupport"],
            path: "\(proto)/Tests/FuzzTests", swiftSettings: strict),
        .testTarget(
            name: "CBORTests", dependencies: ["CBOR", "SyncTestSupport"],
            path: "\(proto)/Tests/CBORTests", swiftSettings: strict),
        .testTarget(
            name: "CBORFoundationTests", dependencies: ["CBOR", "CBORFoundation"],
            path: "\(proto)/Tests/CBORFoundationTests", swiftSettings: strict),
        .testTarget(
            name: "SyncProtocolTests", dependencies: ["CBOR", "SyncProtocol", "SyncTestSupport"],
            path: "\(proto)/Tests/SyncProtocolTests", swiftSettings: strict),
        .testTarget(
            name: "HTTPWireTests", dependencies: ["HTTPWire", "SyncTestSupport"],
            path: "\(proto)/Tests/HTTPWireTests", swiftSettings: strict),
        .testTarget(
            name: "RecordLogTests", dependencies: ["RecordLog", "SyncTestSupport"],
            path: "\(proto)/Tests/RecordLogTests", swiftSettings: strict),
        .testTarget(
            name: "SyncClientTests",
            dependencies: [
                "CBOR", "SyncProtocol", "HTTPWire", "RecordLog", "SyncClient", "SyncTestSupport",
            ],
            path: "\(client)/Tests/SyncClientTests", swiftSettings: strict),
        .testTarget(
            name: "SyncConformanceTests",
            dependencies: [
                "CBOR", "SyncProtocol", "HTTPWire", "SyncTestSupport", "SyncConformance",
                "entitysync",
            ],
            path: "\(client)/Tests/SyncConformanceTests", swiftSettings: strict),
        .testTarget(
            name: "SyncServerTests",
            dependencies: [
                "CBOR", "SyncProtocol", "HTTPWire", "RecordLog", "GzipCoding", "SyncServer",
                "SyncTestSupport",
            ],
            path: "\(server)/Tests/SyncServerTests", swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "CBOR", "SyncProtocol", "HTTPWire", "RecordLog", "SyncClient", "SyncConformance",
                "SyncServer", "SyncTestSupport", "entitysync-server",
            ],
            path: "\(server)/Tests/EndToEndTests", swiftSettings: strict),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "CBOR", "SyncProtocol", "RecordLog", "SyncClient", "Simulation", "SyncTestSupport",
                "entitysync-simulator",
            ],
            path: "\(server)/Tests/SimulationTests", swiftSettings: strict),
        .testTarget(
            name: "ChaosTests",
            dependencies: ["entitysync-chaos", "entitysync-server", "SyncTestSupport"],
            path: "\(server)/Tests/ChaosTests", swiftSettings: strict),
        .testTarget(
            name: "NotesTests",
            dependencies: ["notes", "entitysync", "entitysync-server", "SyncTestSupport"],
            path: "examples/Notes/Tests/NotesTests", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
