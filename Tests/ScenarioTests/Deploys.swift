import AloftTestKit
import Foundation
import Testing

/// What runs a service's replicas; the scenarios of deploys run on both.
enum Driver: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case process, container

    /// A run that is for one container engine leaves out what has nothing to do with it.
    static let allCases: [Driver] = TestEngine.isChosen ? [.container] : [.process, .container]

    var testDescription: String { rawValue }

    /// Ends the test's case, with the reason, where it can't run here.
    func require() throws {
        if self == .container, let reason = ContainerImage.reason { try Test.cancel("no containers: \(reason)") }
    }
}

/// A running daemon whose service `web` says which `$VERSION` answers; each deploy of another one is a new release.
///
/// Version 0 is release 1, and so on, unless a test deploys something else in between.
struct DeployStage: Sendable {
    static let forceHeader = "x-release"
    static let forceCookie = "release"

    let file: AppFile
    let driver: Driver
    let fixture: Fixture
    /// The newest daemon: another one after a crash.
    var aloft: Aloft

    var port: Int { file.port }

    /// Starts it and waits for all replicas.
    ///
    /// - Parameters:
    ///   - deploy: Lines below `deploy:` of the service; `PROGRAM` stands for the app's own path.
    ///   - service: Further lines of the service, likewise.
    ///   - environment: Further variables of the service.
    static func start(
        _ driver: Driver, replicas: Int = 2, deploy: String, service: String = "",
        environment: [String: String] = [:], _ fixture: Fixture
    ) async throws -> DeployStage {
        try driver.require()
        let folder = try fixture.directory()
        let path = driver == .container ? "/version" : try await CompiledApp.version(in: folder)
        let program =
            switch driver {
            case .process: "command: [\(path)]"
            case .container: "image: \(try await ContainerImage(fixture).name)"
            }
        let variables = environment.merging(["VERSION": "0"]) { given, _ in given }.sorted { $0.key < $1.key }
            .map { "\($0.key): \"\($0.value)\"" }.joined(separator: ", ")
        let file = try AppFile(
            """
              web:
                \(program)
                env: {\(variables)}
                replicas: \(replicas)
                probes: {readiness: {httpGet: /ready, period: 100ms, timeout: 2s, failureThreshold: 3}}
                restart: {backoff: {initial: 100ms, max: 2s, resetAfter: 1m}}
                stop: {drain: 2s, grace: 2s}
            \(indented(service.replacingOccurrences(of: "PROGRAM", with: path), by: 4))
                deploy:
            \(indented(deploy.replacingOccurrences(of: "PROGRAM", with: path), by: 6))
            """)
        let home = try fixture.directory()
        // Undone after the daemon has ended: by then there is nothing to remove.
        if driver == .container { fixture.atEnd("no container is left") { try await removeContainers(of: home) } }
        let aloft = try Aloft.start(in: home, file: file.text, fixture: fixture)
        let stage = DeployStage(file: file, driver: driver, fixture: fixture, aloft: aloft)
        _ = try await aloft.ready(replicas, within: .seconds(60))
        // The first release is rolled out as well.
        try await stage.rollout("release 1 is current") { $0 == nil }
        return stage
    }

    private static func indented(_ lines: String, by spaces: Int) -> String {
        lines.split(separator: "\n").map { String(repeating: " ", count: spaces) + $0 }.joined(separator: "\n")
    }

    // MARK: releases

    /// `aloft deploy` to its end; what it printed is in the failure where it did not end well.
    @discardableResult
    func deploy(
        version: Int, _ variables: [String: String] = [:], within limit: Duration = .seconds(60)
    ) async throws -> Status.Rollout {
        let answer = try await attempt(version: version, variables, within: limit)
        guard answer.ending == .exited(0) else {
            throw KitError.missing("deploy of version \(version): \(answer.ending)\n\(answer.output)\n\(aloft.output)")
        }
        return try #require(try Self.reports(in: answer.output).last)
    }

    /// `aloft deploy`, however it ends.
    func attempt(
        version: Int, _ variables: [String: String] = [:], within limit: Duration = .seconds(60)
    ) async throws -> (ending: Child.Ending, output: String) {
        try await Child.run(
            [Checkout.aloft] + words(version, variables) + ["--json"], directory: aloft.directory, within: limit)
    }

    /// `aloft deploy --no-wait`.
    func begin(version: Int, _ variables: [String: String] = [:]) async throws {
        let answer = try await Child.run(
            [Checkout.aloft] + words(version, variables) + ["--no-wait"], directory: aloft.directory)
        guard answer.ending == .exited(0) else {
            throw KitError.missing("deploy of version \(version): \(answer.ending)\n\(answer.output)")
        }
    }

    private func words(_ version: Int, _ variables: [String: String]) -> [String] {
        ["deploy", "web", "--set", "env.VERSION=\(version)"]
            + variables.sorted { $0.key < $1.key }.flatMap { ["--set", "env.\($0.key)=\($0.value)"] }
    }

    /// `aloft deploy --json`, while it runs; it outlives a crash of the daemon.
    func watched(version: Int, _ variables: [String: String] = [:]) throws -> Child {
        let output = aloft.directory + "/deploy-\(version).log"
        let child = try Child(
            [Checkout.aloft] + words(version, variables) + ["--json"], directory: aloft.directory, output: output)
        fixture.atEnd("end `aloft deploy`") { child.signal(SIGKILL) }
        return child
    }

    /// `kill -9` of the daemon, and nothing else; then the next one, in the same folder.
    mutating func crash() async throws {
        kill(aloft.pid, SIGKILL)
        _ = try await aloft.child.ended()
        aloft = try Aloft.again(in: aloft.directory, fixture: fixture)
    }

    /// The lines of `aloft deploy --json` that are reports.
    static func reports(in output: String) throws -> [Status.Rollout] {
        try output.split(separator: "\n").filter { $0.contains("\"phase\"") }.map {
            try JSONDecoder().decode(Status.Rollout.self, from: Data($0.utf8))
        }
    }

    /// Waits until `aloft status` says so of the rollout; nil is none.
    @discardableResult
    func rollout(
        _ what: String, within limit: Duration = .seconds(60), where holds: (Status.Rollout?) -> Bool
    ) async throws -> Status {
        try await aloft.status(what, within: limit) { holds($0.services[0].rollout) }
    }

    /// Events so far, oldest first, each a line of JSON.
    func events() async throws -> [Substring] {
        let answer = try await aloft.command("events", "--json", "--limit", "1000")
        return answer.output.split(separator: "\n")
    }

    // MARK: requests

    /// Which version answers one request, and with which status.
    func ask(_ headers: [String] = []) async throws -> (version: Int?, status: Int) {
        let target = file.target
        let answer = try await onThread {
            let connection = try RawConnection(to: target)
            let lines = (["GET / HTTP/1.1", "Host: localhost", "Connection: close"] + headers).map { $0 + "\r\n" }
            try connection.send(lines.joined() + "\r\n")
            return try connection.answer()
        }
        return (answer["x-version"].flatMap { Int($0) }, answer.status)
    }

    func load(
        rate: Int, connections: Int = 16, fresh: Int = 10, requests: Int = 0, headers: [String] = []
    ) async throws -> PacedLoad {
        try await PacedLoad(
            to: port, rate: rate, connections: connections, fresh: fresh, requests: requests, headers: headers, fixture)
    }

    /// All requests go to this version, `replicas` of it are there, and nothing runs that the daemon does not know.
    func only(_ version: Int, replicas: Int = 2) async throws {
        let status = try await aloft.status("\(replicas) replicas of version \(version) and nothing else") { status in
            status.replicas.count == replicas && status.replicas.allSatisfy { $0.inRotation }
                && Set(status.replicas.map(\.release)).count == 1
        }
        var versions: Set<Int?> = []
        for _ in 0..<20 { versions.insert(try await ask().version) }
        #expect(versions == [version])
        #expect(Set(status.replicas.map(\.release)) == [status.services[0].release])
        try await noOrphans(known: status.replicas.compactMap(\.pid).sorted())
    }

    /// Processes or containers of this daemon are those that `status` names.
    private func noOrphans(known: [pid_t]) async throws {
        switch driver {
        case .process:
            let running = try processes
            #expect(running == known, "processes of the app: \(running), known: \(known)")
        case .container:
            let names = try await containers()
            #expect(names.count == known.count, "containers: \(names), known: \(known)")
        }
    }

    /// The app's program; of the process driver.
    var program: String {
        get throws { String(try #require(file.services.firstMatch(of: #/command: \[([^\]]+)\]/#)?.1)) }
    }

    /// Processes of the app, also those that no daemon knows; of the process driver.
    var processes: [pid_t] { get throws { Processes.running(program: try program).sorted() } }

    /// Names of this daemon's containers, ended ones included.
    func containers() async throws -> [String] { try await Self.containers(of: aloft.directory) }

    private static func containers(of home: String) async throws -> [String] {
        let words = ["ps", "--all", "--filter", "label=aloft.state=\(home)/.aloft", "--format", "{{.Names}}"]
        let answer = try await Child.run([TestEngine.program] + words, directory: home)
        guard answer.ending == .exited(0) else { throw KitError.missing("\(TestEngine.program) ps: \(answer.output)") }
        return answer.output.split(separator: "\n").map(String.init)
    }

    private static func removeContainers(of home: String) async throws {
        let names = try await containers(of: home)
        guard !names.isEmpty else { return }
        let answer = try await Child.run(
            [TestEngine.program] + TestEngine.remove + names, directory: home)
        throw KitError.missing("left behind: \(names); removed now: \(answer.ending)")
    }
}
