// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]
let cbor = Target.Dependency.product(name: "CBOR", package: "SyncProtocol")
let syncProtocol = Target.Dependency.product(name: "SyncProtocol", package: "SyncProtocol")
let httpWire = Target.Dependency.product(name: "HTTPWire", package: "SyncProtocol")
let recordLog = Target.Dependency.product(name: "RecordLog", package: "SyncProtocol")
let syncConformance = Target.Dependency.product(name: "SyncConformance", package: "SyncClient")
let testSupport = Target.Dependency.product(name: "SyncTestSupport", package: "SyncProtocol")
let syncClient = Target.Dependency.product(name: "SyncClient", package: "SyncClient")

let package = Package(
    name: "SyncServer",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "SyncServer", targets: ["SyncServer"]),
        .library(name: "Simulation", targets: ["Simulation"]),
        .executable(name: "entitysync-server", targets: ["entitysync-server"]),
        .executable(name: "entitysync-simulator", targets: ["entitysync-simulator"]),
    ],
    dependencies: [.package(path: "../SyncProtocol"), .package(path: "../SyncClient")],
    targets: [
        .systemLibrary(name: "CLinux"),
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(
            name: "Cryptography",
            dependencies: [.target(name: "COpenSSL", condition: .when(platforms: [.linux]))],
            swiftSettings: strict),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "GzipCoding", dependencies: ["CZlib"], swiftSettings: strict),
        .target(
            name: "SyncServer",
            dependencies: [
                cbor, syncProtocol, httpWire, recordLog, "Cryptography", "GzipCoding",
                .target(name: "CLinux", condition: .when(platforms: [.linux])),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "entitysync-server", dependencies: ["SyncServer"], swiftSettings: strict),
        .target(
            name: "Simulation",
            dependencies: [
                cbor, syncProtocol, httpWire, recordLog, syncClient, testSupport, "SyncServer",
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "entitysync-simulator", dependencies: ["Simulation"], swiftSettings: strict),
        .executableTarget(
            name: "entitysync-chaos",
            dependencies: [cbor, syncProtocol, syncClient, testSupport], swiftSettings: strict),
        .executableTarget(
            name: "server-bench", dependencies: [cbor, syncProtocol],
            path: "Benchmarks/server-bench", swiftSettings: strict),
        .testTarget(
            name: "SyncServerTests",
            dependencies: [
                cbor, syncProtocol, httpWire, recordLog, testSupport, "GzipCoding", "SyncServer",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                cbor, syncProtocol, httpWire, recordLog, testSupport, syncClient, syncConformance,
                "SyncServer", "entitysync-server",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                cbor, syncProtocol, recordLog, syncClient, testSupport, "Simulation",
                "entitysync-simulator",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ChaosTests",
            dependencies: ["entitysync-chaos", "entitysync-server", testSupport],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
