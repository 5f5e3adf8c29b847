// swift-tools-version: 6.2
import PackageDescription

/// What every target is held to.
let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]

/// The data plane also leaves out dynamic exclusivity checks: its state is confined to one event loop.
let dataPlane: [SwiftSetting] =
    strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

/// A module with a page about itself beside its code.
func room(
    _ name: String, _ dependencies: [Target.Dependency] = [], _ settings: [SwiftSetting] = strict,
    pages: [String] = []
) -> Target {
    .target(name: name, dependencies: dependencies, exclude: ["DESIGN.md"] + pages, swiftSettings: settings)
}

/// The tests of one module; `data` is what they read and nobody compiles.
func tests(of module: String, _ dependencies: [Target.Dependency] = [], data: [String] = []) -> Target {
    .testTarget(
        name: module + "Tests",
        dependencies: [.byName(name: module), "AloftModel", "AloftTestKit"] + dependencies,
        exclude: data, swiftSettings: strict)
}

// Products, by the packages they come from.
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")

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
        .target(name: "AloftModel", swiftSettings: strict, linkerSettings: [.linkedLibrary("m")]),

        // Layer 1: foundations.
        room("AloftLanguage", ["AloftModel", yams]),
        .target(name: "CAloftSystem"),
        room("AloftSystem", ["CAloftSystem"]),
        room("AloftJournal", ["AloftModel", grdb]),

        // Layer 2: the data plane's parts.
        room("AloftHTTP", ["AloftModel"], dataPlane),
        .target(
            name: "CAloftReactor", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        room("AloftReactor", ["AloftSystem", "CAloftReactor"], dataPlane),

        // Layer 3: capabilities. None imports another; AloftDaemon joins them.
        room("AloftEdge", ["AloftModel", "AloftHTTP", nioCore, nioPosix, nioSSL, logging], dataPlane),
        room("AloftCertificates", ["AloftModel", "AloftSystem", x509, crypto]),
        room("AloftCompute", ["AloftModel", "AloftSystem", logging], pages: ["Containers/DESIGN.md"]),
        room("AloftMetrics"),
        room("AloftScaling", ["AloftModel", logging]),
        room(
            "AloftNotifications",
            ["AloftModel", "AloftSystem", nioCore, nioPosix, nioHTTP1, nioSSL, httpClient, x509, crypto, logging]),
        room("AloftRollout", ["AloftModel", "AloftSystem", crypto, logging]),
        room("AloftLogs", ["AloftModel", "AloftSystem"]),
        room("AloftJobs", ["AloftModel", "AloftSystem", logging]),

        // Layer 4: assembly.
        room(
            "AloftDaemon",
            [
                "AloftModel", "AloftLanguage", "AloftSystem", "AloftJournal", "AloftEdge", "AloftCertificates",
                "AloftCompute", "AloftMetrics", "AloftScaling", "AloftRollout", "AloftNotifications", "AloftLogs",
                "AloftJobs",
                nioCore,
                nioPosix, crypto, hummingbird,
                hummingbirdCore, httpClient, lifecycle, signals, logging,
            ]),
        .target(
            name: "AloftCLI",
            dependencies: [
                "AloftModel", "AloftLanguage", "AloftSystem", "AloftCertificates", "AloftDaemon", arguments, httpClient,
                nioCore, nioHTTP1,
            ],
            swiftSettings: strict),

        // Layer 5: the binary.
        .executableTarget(name: "aloft", dependencies: ["AloftCLI"], swiftSettings: strict),

        // Instructions and time for each kind of head: `swift run -c release CodecBenchmark`.
        .executableTarget(
            name: "CodecBenchmark", dependencies: ["AloftHTTP"], path: "Benchmarks/Codec", swiftSettings: strict),

        // Tests, one target a module, and the scenarios that run the real binary.
        .target(name: "AloftTestKit", dependencies: ["AloftSystem"], swiftSettings: strict),
        .testTarget(name: "AloftModelTests", dependencies: ["AloftModel", "AloftTestKit"], swiftSettings: strict),
        tests(of: "AloftLanguage", data: ["Golden", "Effective.expected", "schema.py"]),
        tests(of: "AloftSystem"),
        tests(of: "AloftJournal", [grdb]),
        tests(of: "AloftHTTP", data: ["Corpus"]),
        tests(of: "AloftReactor", ["AloftSystem"], data: ["tls_client.py"]),
        tests(of: "AloftEdge", [nioCore, nioPosix, nioSSL]),
        tests(of: "AloftCertificates"),
        tests(of: "AloftCompute", ["AloftSystem", logging]),
        tests(of: "AloftMetrics", data: ["parse_openmetrics.py"]),
        tests(of: "AloftScaling", [logging], data: ["Golden"]),
        tests(
            of: "AloftNotifications", ["AloftSystem", x509, crypto, logging],
            data: ["Golden", "smtp_sink.py", "web_sink.py"]),
        tests(of: "AloftRollout", ["AloftSystem", logging], data: ["Golden"]),
        tests(of: "AloftLogs", ["AloftSystem"]),
        tests(of: "AloftJobs", ["AloftSystem", logging]),
        tests(of: "AloftDaemon"),
        tests(of: "AloftCLI", data: ["Folders"]),
        .testTarget(name: "ArchitectureTests", dependencies: ["AloftTestKit"], swiftSettings: strict),
        .testTarget(
            name: "ScenarioTests", dependencies: ["AloftTestKit", "aloft"], exclude: ["Apps"], swiftSettings: strict),
    ]
)
