import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Testing

@testable import AloftCompute

@Suite("Containers and a daemon that is killed", .serialized, .enabled(if: Runner.available.contains(.container)))
struct ContainerAdoptionTests {
    private let runner = Runner.container

    private func crashed(
        _ spec: ServiceSpec, in fixture: Fixture, meanwhile: (Rig, ReplicaStatus) async throws -> Void = { _, _ in }
    ) async throws -> (rig: Rig, old: ReplicaStatus) {
        let first = Rig(try fixture.directory(), [spec])
        first.start()
        #expect(await first.compute.settled(within: .seconds(30)), "\(first.log)")
        let old = try #require(await first.replica("web-1"))
        try await first.crash()
        try await meanwhile(first, old)
        first.recorder.state.withLock {
            $0.inRotation = [:]
            $0.events = []
        }
        let second = Rig(first.directory, recorder: first.recorder, [spec])
        fixture.atEnd("stop") {
            await second.compute.stopAll()
            try await second.crash()
        }
        return (second, old)
    }

    @Test("the same container is in rotation again, its output goes on, and it stops as it should")
    func same() async throws {
        try await withFixture { fixture in
            let script = "echo started; \(runner.httpdScript) & trap 'echo ended; exit 0' TERM; wait"
            let (rig, old) = try await crashed(runner.service(Programs.shell(script)), in: fixture)
            rig.start()
            try await eventually("it is in rotation") { rig.recorder.endpoints.count == 1 }
            let now = try #require(await rig.replica("web-1"))
            #expect(now.pid == old.pid && now.adopted && now.address == old.address && now.restarts == 0)
            await rig.compute.stopAll()
            #expect(rig.recorder.state.withLock { $0.output[old.id] } == "started\nended\n")
            #expect(try TestImage.containers(rig.directory).isEmpty)
        }
    }

    @Test("one that ended meanwhile is removed and started again, with the exit code it had")
    func ended() async throws {
        try await withFixture { fixture in
            let (rig, old) = try await crashed(runner.service(runner.httpd), in: fixture) { _, old in
                kill(try #require(old.pid), SIGKILL)
                try await eventually("it is gone") { !isAlive(old.pid ?? 0) }
            }
            rig.start()
            let now = try await rig.replica("web-1", "runs again") { $0.state == .ready }
            #expect(now.pid != old.pid && now.id.generation == 2 && now.lastExit?.cause == .signal(9))
            #expect(try TestImage.containers(rig.directory).count == 1)
        }
    }

    @Test("a container that no record tells of is ended, and what it printed is read")
    func unrecorded() async throws {
        try await withFixture { fixture in
            let spec = runner.service(Programs.shell("echo precious; exec \(runner.httpdScript)"))
            let (rig, old) = try await crashed(spec, in: fixture) { rig, _ in
                rig.recorder.state.withLock {
                    $0.records = [:]
                    $0.attached = []
                    $0.output = [:]
                }
            }
            await rig.compute.apply([] as [ServiceSpec])
            rig.start()
            try await eventually("it is gone") { !isAlive(old.pid ?? 0) }
            try await eventually("its output was read") {
                rig.recorder.state.withLock { $0.output[old.id] == "precious\n" }
            }
            try await eventually("nothing is left") {
                try Directories.names(in: "\(rig.directory)/run").isEmpty
                    && TestImage.containers(rig.directory).isEmpty
            }
        }
    }
}
