// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]
let cbor = Target.Dependency.product(name: "CBOR", package: "SyncProtocol")
let cborFoundation = Target.Dependency.product(
    name: "CBORFoundation", package: "SyncProtocol")
let syncProtocol = Target.Dependency.product(name: "SyncProtocol", package: "SyncProtocol")
let httpWire = Target.Dependency.product(name: "HTTPWire", package: "SyncProtocol")
let recordLog = Target.Dependency.product(name: "RecordLog", package: "SyncProtocol")
let testSupport = Target.Dependency.product(name: "SyncTestSupport", package: "SyncProtocol")

let package = Package(
    name: "SyncClient",
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [
        .library(name: "SyncClient", targets: ["SyncClient"]),
        .library(name: "SyncConformance", targets: ["SyncConformance"]),
        .executable(name: "entitysync", targets: ["entitysync"]),
    ],
    dependencies: [.package(path: "../SyncProtocol")],
    targets: [
        .target(
            name: "SyncClient",
            dependencies: [cbor, cborFoundation, syncProtocol, httpWire, recordLog],
            swiftSettings: strict),
        .target(
            name: "SyncConformance", dependencies: [cbor, syncProtocol, httpWire],
            swiftSettings: strict),
        .executableTarget(
            name: "entitysync",
            dependencies: [cbor, "SyncClient", "SyncConformance", syncProtocol, recordLog],
            swiftSettings: strict),
        .testTarget(
            name: "SyncClientTests",
            dependencies: [cbor, syncProtocol, httpWire, recordLog, testSupport, "SyncClient"],
            swiftSettings: strict),
        .testTarget(
            name: "SyncConformanceTests",
            dependencies: [
                cbor, syncProtocol, httpWire, testSupport, "SyncConformance", "entitysync",
            ],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
