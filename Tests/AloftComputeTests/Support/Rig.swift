import AloftModel
import AloftSystem
import AloftTestKit
import Foundation
import Glibc
import Logging
import Synchronization
import Testing

@testable import AloftCompute

func readSpool(_ path: String) throws -> String { try readText(path, limit: 64 << 10) }

/// One `Compute` on a state directory of its own, with everything around it in memory.
final class Rig: Sendable {
    let directory: String
    let recorder: Recorder
    let compute: Compute
    private let task = Mutex<Task<Void, any Error>?>(nil)

    convenience init(
        _ directory: String, recorder: Recorder = Recorder(), _ services: [ServiceSpec], cgroups: Bool = true
    ) {
        self.init(
            directory, recorder: recorder, targets: services.map { ServiceTarget(spec: $0, release: 0) },
            cgroups: cgroups)
    }

    init(_ directory: String, recorder: Recorder = Recorder(), targets: [ServiceTarget], cgroups: Bool = true) {
        self.directory = directory
        self.recorder = recorder
        var logger = Logger(label: "test")
        logger.logLevel = .warning
        let environment = ["PATH": "/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "GREETING": "hello"]
            .merging(TestEngine.environment) { $1 }
        compute = Compute(
            services: targets,
            configuration: ComputeConfiguration(
                stateDirectory: directory, hostEnvironment: environment, cgroups: cgroups ? .discover : .off),
            ports: recorder.ports, logger: logger)
    }

    func start() {
        let compute = compute
        task.withLock { $0 = Task { try await compute.run() } }
    }

    /// What a daemon killed with -9 leaves: replicas that run, and the store.
    func crash() async throws {
        let running = task.withLock { task in
            defer { task = nil }
            return task
        }
        running?.cancel()
        try await running?.value
    }

    func replica(_ name: String) async -> ReplicaStatus? {
        for service in await compute.status() {
            if let found = service.replicas.last(where: { $0.id.name == name }) { return found }
        }
        return nil
    }

    /// Waits until a replica is as wanted, and gives what it then is.
    func replica(
        _ name: String, _ what: String, within limit: Duration = .seconds(20),
        _ condition: @Sendable (ReplicaStatus) -> Bool
    ) async throws -> ReplicaStatus {
        do {
            return try await eventually("\(name) \(what)", within: limit) {
                let status = await replica(name)
                return status.map(condition) == true ? status : nil
            }
        } catch {
            Issue.record("\(name) never \(what): \(String(describing: await replica(name)))\n\(log)")
            throw error
        }
    }

    var log: String { recorder.state.withLock { $0.events.map(\.line).joined(separator: "\n") } }
}

extension Event {
    var line: String { "\(severity) \(kind) \(subject): \(message)" }
}

/// A rig that is stopped at the end, whatever happens; asserts that nothing is left.
func withRig(
    _ services: [ServiceSpec], cgroups: Bool = true,
    _ body: @Sendable (Rig, Fixture) async throws -> Void
) async throws {
    try await withRig(
        targets: services.map { ServiceTarget(spec: $0, release: 0) }, cgroups: cgroups, body)
}

/// The same with releases.
func withRig(
    targets: [ServiceTarget], cgroups: Bool = true, _ body: @Sendable (Rig, Fixture) async throws -> Void
) async throws {
    try await withFixture { fixture in
        let rig = Rig(try fixture.directory(), targets: targets, cgroups: cgroups)
        rig.start()
        fixture.atEnd("stop") {
            await rig.compute.stopAll()
            try await rig.crash()
        }
        try await body(rig, fixture)
        await rig.compute.stopAll()
        let left = try Directories.names(in: "\(rig.directory)/run")
        #expect(left.isEmpty, "run folders are left: \(left)")
        #expect(rig.recorder.state.withLock { $0.records.isEmpty && $0.inRotation.isEmpty && $0.attached.isEmpty })
    }
}

/// A service with short times, for tests.
func service(
    _ name: String = "web", _ command: [String], replicas: Int = 1, minAvailable: Int = 0,
    listen: ServiceSpec.Listen = .port, environment: [EnvironmentVariable] = [], resources: Resources = Resources(),
    probes: Probes = Probes(), policy: RestartSpec.Policy = .always,
    backoff: RestartSpec.Backoff = .init(
        initial: .milliseconds(100), max: .seconds(1), resetAfter: .seconds(60)),
    stop: StopSpec = StopSpec(drain: .milliseconds(200), grace: .seconds(5)), scaling: ScalingSpec? = nil
) -> ServiceSpec {
    ServiceSpec(
        name: name, command: command.map(template), directory: "/tmp", listen: listen, environment: environment,
        resources: resources, probes: probes, restart: RestartSpec(policy: policy, backoff: backoff), stop: stop,
        scaling: scaling
            ?? ScalingSpec(minReplicas: replicas, maxReplicas: max(replicas, 5), minAvailable: minAvailable))
}

/// `${PORT}` and `${SOCKET}` become references.
func template(_ text: String) -> Template {
    if let range = text.range(of: "${PORT}") {
        return Template(parts: [
            .text(String(text[..<range.lowerBound])), .port, .text(String(text[range.upperBound...])),
        ])
    }
    return Template(text)
}

/// Programs that tests run as replicas.
enum Programs {
    static let httpd = ["/bin/busybox", "httpd", "-f", "-p", "127.0.0.1:${PORT}"]

    static func shell(_ script: String) -> [String] { ["/bin/busybox", "sh", "-c", script] }
    /// The script finds its address in PORT or SOCKET.
    static func python(_ script: String) -> [String] { ["/usr/bin/python3", "-u", "-c", script] }
}

/// True while a process of this pid runs.
func isAlive(_ pid: Int32) -> Bool {
    guard let row = try? ProcessRow(pid: pid) else { return false }
    return !row.hasEnded
}
