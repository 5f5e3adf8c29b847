import AloftModel
import AloftTestKit
import Foundation
import Testing

@testable import AloftDaemon

@Suite("A reload is all or nothing", .serialized)
struct TakeOverTests {
    /// What fails on the way to the new file.
    enum Obstacle: String, Sendable, CaseIterable, CustomTestStringConvertible {
        case file, certificate, admin, journal, outbox, listener

        var testDescription: String { rawValue }
    }

    private struct Ports {
        let edge: Int
        let admin: Int
        let taken: Int
        let spare: Int
    }

    /// Each part of the daemon tells the two files apart.
    private func text(_ version: Int, _ ports: Ports, obstacle: Obstacle? = nil) -> String {
        var listeners = "{address: \"127.0.0.1:\(ports.edge)\"}"
        var tls = ""
        switch obstacle {
        case .certificate:
            listeners += ", {address: \"127.0.0.1:\(ports.spare)\", tls: true}"
            tls = "tls: {certificates: [{hosts: [localhost], files: {certificate: ./none.pem, key: ./none.key}}]}"
        case .listener: listeners += ", {address: \"127.0.0.1:\(ports.taken)\"}"
        default: break
        }
        let admin = obstacle == .admin ? ports.taken : ports.admin
        return """
            version: \(obstacle == .file ? "none" : "1")
            app: shop
            services:
              web:
                command: [sleep, "600"]
                scaling: {minReplicas: \(version), maxReplicas: \(version * 3)}
            edge:
              listeners: [\(listeners)]
              admin: {address: "127.0.0.1:\(admin)"}
              \(tls)
              routes:
                - {match: {path: /version}, redirect: /\(version)}
                - {match: {path: /*}, service: web}
            notifications:
              channels: {ops\(version): {webhook: "http://127.0.0.1:9/"}}
              critical: {to: [ops\(version)]}
            """
    }

    /// What each part says.
    private struct Seen: Equatable {
        var location: String?
        var admin: String?
        var digest: String
        var desired: [Int]
        var bounds: [String]
        var wanted: Int
        var scaled: Bool
        var channels: [String]
    }

    private func look(at daemon: Daemon, _ ports: Ports) async throws -> Seen {
        let answer = try await fetch("/version", at: .port(ports.edge))
        let facts = daemon.present.facts
        return Seen(
            location: answer["location"], admin: facts.admin, digest: facts.running.digest,
            desired: await daemon.compute.status().map(\.desired),
            bounds: facts.running.plan.services.map { "\($0.scaling.minReplicas)-\($0.scaling.maxReplicas)" },
            wanted: daemon.operations.deployer.wanted.number(of: "web"),
            scaled: await daemon.scaler.scaler.status("web") != nil,
            channels: await daemon.operations.notifier.status().map(\.name))
    }

    @Test(
        "whichever step fails, the old file still runs in every part; without it the new one does",
        arguments: Obstacle.allCases)
    func fails(_ obstacle: Obstacle) async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            let path = folder + "/aloft.yaml"
            let taken = try TakenPort()
            fixture.atEnd("give the port back") { taken.shut() }
            let ports = Ports(
                edge: try Machine.freePort(), admin: try Machine.freePort(), taken: taken.port,
                spare: try Machine.freePort())
            try text(1, ports).write(toFile: path, atomically: true, encoding: .utf8)
            let daemon = try await Daemon.start(
                DaemonOptions(
                    file: path, environmentName: nil, paths: StatePaths(directory: folder + "/state"),
                    hostEnvironment: ProcessInfo.processInfo.environment, user: "ann", writesToStandardError: false,
                    show: { _ in }))
            let before = try await look(at: daemon, ports)
            #expect(before.location?.hasSuffix("/1") == true && before.channels == ["ops1"] && before.wanted == 1)

            try text(2, ports, obstacle: obstacle).write(toFile: path, atomically: true, encoding: .utf8)
            let hold = try await hinder(obstacle, daemon, folder, fixture)
            await #expect(throws: ControlFailure.self) { try await daemon.operations.reload() }
            #expect(try await look(at: daemon, ports) == before)
            #expect(daemon.present.facts.reloads.refused == 1)

            // A closed journal stays so; everything else gives way.
            if obstacle != .journal {
                hold?.signal(SIGKILL)
                _ = try await hold?.ended()
                try text(2, ports).write(toFile: path, atomically: true, encoding: .utf8)
                _ = try await daemon.operations.reload()
                let after = try await look(at: daemon, ports)
                #expect(after.location?.hasSuffix("/2") == true && after.channels == ["ops2"] && after.wanted == 2)
                #expect(after.bounds == ["2-6"] && after.desired == [2])
            }
            await daemon.edge.stop(drain: .zero)
            await daemon.edge.close()
            await daemon.admin.discard()
            await daemon.stores.close()
        }
    }

    /// Makes a step fail that does not by the file alone; the child holds the way shut until it ends.
    private func hinder(
        _ obstacle: Obstacle, _ daemon: Daemon, _ folder: String, _ fixture: Fixture
    ) async throws -> Child? {
        switch obstacle {
        case .journal:
            try daemon.stores.journal.close()
            return nil
        case .outbox:
            // Reading goes on, and nothing can be written.
            let script = """
                import sqlite3, sys, time
                held = sqlite3.connect(sys.argv[1], isolation_level=None)
                held.execute("BEGIN IMMEDIATE")
                print("held", flush=True)
                time.sleep(120)
                """
            let output = folder + "/held"
            let child = try Child(
                ["python3", "-c", script, daemon.stores.paths.journal], directory: folder, output: output)
            fixture.atEnd("let go of the journal") { child.signal(SIGKILL) }
            try await eventually("the journal is held") {
                (try? String(contentsOfFile: output, encoding: .utf8))?.contains("held") == true
            }
            return child
        default: return nil
        }
    }

    @Test("`replicas: 3` to bounds of 2 to 5: the number stays, in compute, in the scaler and for the next daemon")
    func oneNumber() async throws {
        try await withFixture { fixture in
            func text(_ scaling: String) -> String {
                "version: 1\napp: a\nservices: {web: {command: [./web], \(scaling)}}\n"
                    + "edge: {routes: [{match: {path: /*}, service: web}]}\n"
            }
            let stage = try await ReleaseStage(text("replicas: 3"), in: try fixture.directory())
            let services = stage.file.plan.services
            await stage.wanted.restore(services: services, events: EventQueue())
            #expect(stage.wanted.number(of: "web") == 3)
            let scaled = try await stage.statement(of: text("scaling: {minReplicas: 2, maxReplicas: 5}")).next.plan
            let said = stage.wanted.apply(scaled.services)
            #expect(said.map(\.count) == [3] && stage.wanted.number(of: "web") == 3)
            try await stage.wanted.write(said)
            let next = WantedReplicas(journal: stage.deployer.journal)
            await next.restore(services: scaled.services, events: EventQueue())
            #expect(next.number(of: "web") == 3)
            // Bounds that no longer allow it bring it within them, and a fixed number is that number.
            _ = stage.wanted.apply(
                try await stage.statement(of: text("scaling: {minReplicas: 4, maxReplicas: 5}")).next.plan.services)
            #expect(stage.wanted.number(of: "web") == 4)
            _ = stage.wanted.apply(services)
            #expect(stage.wanted.number(of: "web") == 3)
        }
    }
}

/// A port of loopback that somebody else listens on.
private final class TakenPort: Sendable {
    let port: Int
    private let descriptor: Int32

    init() throws {
        port = try Machine.freePort()
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isBound, listen(descriptor, 1) == 0 else { throw KitError.system("bind", errno) }
    }

    func shut() { close(descriptor) }
}
