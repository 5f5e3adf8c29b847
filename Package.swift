// swift-tools-version: 6.2
import PackageDescription

/// What every target is held to.
let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]

/// The data plane also leaves out dynamic exclusivity checks: its state is confined to one event loop.
let dataPlane: [SwiftSetting] =
    strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

let package = Package(
    name: "aloft",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "aloft", targets: ["aloft"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // Layer 0: values.
        .target(name: "AloftModel", swiftSettings: strict),

        // Layer 1: foundations.
        .target(
            name: "AloftLanguage",
            dependencies: ["AloftModel", .product(name: "Yams", package: "Yams")],
            swiftSettings: strict),
        .target(name: "CAloftSystem"),
        .target(name: "AloftSystem", dependencies: ["CAloftSystem"], swiftSettings: strict),
        .target(
            name: "AloftJournal",
            dependencies: [.product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: strict),

        // Layer 2: the data plane's parts.
        .target(name: "AloftHTTP", swiftSettings: dataPlane),

        // Layer 3: capabilities. None imports another; AloftDaemon joins them.
        .target(
            name: "AloftEdge",
            dependencies: [
                "AloftModel", "AloftHTTP",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: dataPlane),
        .target(
            name: "AloftCertificates",
            dependencies: [
                "AloftModel", "AloftSystem",
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .target(
            name: "AloftCompute",
            dependencies: [
                "AloftModel", "AloftSystem",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(name: "AloftMetrics", swiftSettings: strict),
        .target(name: "AloftLogs", dependencies: ["AloftModel", "AloftSystem"], swiftSettings: strict),

        // Layer 4: assembly.
        .target(
            name: "AloftDaemon",
            dependencies: [
                "AloftModel", "AloftLanguage", "AloftSystem", "AloftJournal", "AloftEdge", "AloftCertificates",
                "AloftCompute", "AloftMetrics", "AloftLogs",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "AloftCLI",
            dependencies: [
                "AloftModel", "AloftLanguage", "AloftSystem", "AloftDaemon",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: strict),

        // Layer 5: the binary.
        .executableTarget(name: "aloft", dependencies: ["AloftCLI"], swiftSettings: strict),

        // Tests, one target a module, and the scenarios that run the real binary.
        .target(name: "AloftTestKit", dependencies: ["AloftSystem"], swiftSettings: strict),
        .testTarget(name: "AloftModelTests", dependencies: ["AloftModel"], swiftSettings: strict),
        .testTarget(
            name: "AloftLanguageTests", dependencies: ["AloftLanguage", "AloftTestKit"], swiftSettings: strict),
        .testTarget(name: "AloftSystemTests", dependencies: ["AloftSystem", "AloftTestKit"], swiftSettings: strict),
        .testTarget(name: "AloftJournalTests", dependencies: ["AloftJournal", "AloftTestKit"], swiftSettings: strict),
        .testTarget(name: "AloftHTTPTests", dependencies: ["AloftHTTP", "AloftTestKit"], swiftSettings: strict),
        .testTarget(name: "AloftEdgeTests", dependencies: ["AloftEdge", "AloftTestKit"], swiftSettings: strict),
        .testTarget(
            name: "AloftCertificatesTests", dependencies: ["AloftCertificates", "AloftTestKit"], swiftSettings: strict),
        .testTarget(name: "AloftComputeTests", dependencies: ["AloftCompute", "AloftTestKit"], swiftSettings: strict),
        .testTarget(name: "AloftMetricsTests", dependencies: ["AloftMetrics", "AloftTestKit"], swiftSettings: strict),
        .testTarget(name: "AloftLogsTests", dependencies: ["AloftLogs", "AloftTestKit"], swiftSettings: strict),
        .testTarget(name: "AloftDaemonTests", dependencies: ["AloftDaemon", "AloftTestKit"], swiftSettings: strict),
        .testTarget(name: "AloftCLITests", dependencies: ["AloftCLI", "AloftTestKit"], swiftSettings: strict),
        .testTarget(name: "ArchitectureTests", dependencies: ["AloftTestKit"], swiftSettings: strict),
        .testTarget(name: "ScenarioTests", dependencies: ["AloftTestKit", "aloft"], swiftSettings: strict),
    ]
)
