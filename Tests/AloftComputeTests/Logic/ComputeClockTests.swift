import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Logging
import Synchronization
import Testing

@testable import AloftCompute

/// Supervision on a clock that a test moves, over a driver without processes.
@Suite("Supervision by the clock")
struct ComputeClockTests {
    private struct Stage: Sendable {
        let clock = ManualClock()
        let driver = FakeDriver()
        let recorder = Recorder()

        func compute(_ specs: [ServiceSpec], ports: ComputePorts? = nil) -> Compute {
            let configuration = ComputeConfiguration(
                stateDirectory: "/nowhere", hostEnvironment: [:], clock: clock)
            return Compute(
                services: specs, configuration: configuration, ports: ports ?? recorder.ports,
                logger: Logger(label: "test"), driver: driver)
        }

        func launches(_ count: Int) async throws {
            try await eventually("\(count) launches") { driver.launches.count == count }
        }

        /// Moves the clock once somebody sleeps for exactly this time.
        func pass(_ time: Duration) async throws {
            try await eventually("somebody sleeps for \(time), not \(clock.pending)") { clock.pending.contains(time) }
            clock.advance(by: time)
        }
    }

    /// Ready by an exec probe, which the fake driver answers.
    private static func spec(_ replicas: Int = 1, liveness: Bool = false) -> ServiceSpec {
        func probe(_ command: String) -> ProbeSpec {
            ProbeSpec(
                check: .exec([Template(command)]), period: .seconds(10), timeout: .seconds(1), initialDelay: .zero,
                successThreshold: 1, failureThreshold: 2)
        }
        var spec = service(
            "web", ["run"], replicas: replicas, minAvailable: replicas,
            probes: Probes(readiness: probe("ready"), liveness: liveness ? probe("live") : nil),
            backoff: .init(initial: .seconds(1), max: .seconds(300), resetAfter: .seconds(600)),
            stop: StopSpec(drain: .zero, grace: .seconds(30)))
        spec.directory = "/"
        return spec
    }

    private func running(
        _ stage: Stage, _ specs: [ServiceSpec], ports: ComputePorts? = nil,
        _ body: @Sendable (Compute) async throws -> Void
    ) async throws {
        let compute = stage.compute(specs, ports: ports)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await compute.run() }
            try await body(compute)
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private func id(_ generation: Int, index: Int = 1) -> ReplicaID {
        ReplicaID(service: "web", index: index, generation: generation)
    }

    @Test("back-off goes up to five minutes, and starts over after ten good minutes")
    func backoff() async throws {
        let stage = Stage()
        try await running(stage, [Self.spec()]) { _ in
            let waits: [Int64] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
            for (number, wait) in waits.enumerated() {
                try await stage.launches(number + 1)
                try await eventually("it runs") { stage.driver.replica(id(number + 1)) != nil }
                stage.driver.replica(id(number + 1))?.end(.code(1))
                try await stage.pass(.seconds(wait))
            }
            try await stage.launches(12)
            try await eventually("it is ready") { stage.recorder.endpoints.map(\.replica) == [id(12)] }
            stage.clock.advance(by: .seconds(600))
            stage.driver.replica(id(12))?.end(.code(1))
            try await stage.pass(.seconds(1))
            try await stage.launches(13)
        }
    }

    @Test("a wall clock that is set back changes no wait and crashes nothing")
    func clockBack() async throws {
        let stage = Stage()
        try await running(stage, [Self.spec()]) { compute in
            try await eventually("it is ready") { stage.recorder.endpoints.count == 1 }
            stage.clock.setWallBack(by: .seconds(86_400))
            stage.driver.replica(id(1))?.end(.signal(SIGSEGV))
            try await stage.pass(.seconds(1))
            try await eventually("it is ready again") { stage.recorder.endpoints.map(\.replica) == [id(2)] }
            let status = await compute.status()
            #expect(status.first?.replicas.first?.lastExit?.cause.description == "killed by SIGSEGV")
        }
    }

    @Test("the system has no more processes to give: failed, said, tried again after the back-off")
    func launchFails() async throws {
        let stage = Stage()
        stage.driver.state.withLock {
            $0.failure = LaunchFailure("cannot make a process: Resource temporarily unavailable")
        }
        try await running(stage, [Self.spec()]) { compute in
            try await eventually("it failed") { await compute.status().first?.replicas.first?.state == .failed }
            let replica = await compute.status().first?.replicas.first
            #expect(replica?.reason == "cannot make a process: Resource temporarily unavailable")
            #expect(replica?.nextStart == Timestamp(nanoseconds: stage.clock.wallNanoseconds) + .seconds(1))
            stage.driver.state.withLock { $0.failure = nil }
            try await stage.pass(.seconds(1))
            try await eventually("it is ready") { stage.recorder.endpoints.count == 1 }
        }
    }

    @Test("grace is waited for by the clock, then SIGKILL")
    func grace() async throws {
        let stage = Stage()
        try await running(stage, [Self.spec()]) { compute in
            try await eventually("it is ready") { stage.recorder.endpoints.count == 1 }
            let replica = try #require(stage.driver.replica(id(1)))
            async let stopped: Void = compute.stopAll()
            try await stage.pass(.seconds(30))
            try await eventually("SIGKILL was sent") { replica.signals == [SIGTERM, SIGKILL] }
            replica.end(.signal(SIGKILL))
            await stopped
            #expect(stage.driver.state.withLock { $0.closed })
            await #expect(throws: ComputeError.stopping) { try await compute.restart("web") }
        }
    }

    @Test("unhealthy at minAvailable: a successor is awaited for thirty seconds, then it is stopped all the same")
    func patience() async throws {
        let stage = Stage()
        try await running(stage, [Self.spec(liveness: true)]) { _ in
            try await eventually("it is ready") { stage.recorder.endpoints.count == 1 }
            stage.driver.state.withLock { $0.failure = LaunchFailure("no") }
            let replica = try #require(stage.driver.replica(id(1)))
            replica.fail("live")
            for _ in 0..<2 {
                try await eventually("both probes wait") {
                    stage.clock.pending.filter { $0 == .seconds(10) }.count == 2
                }
                stage.clock.advance(by: .seconds(10))
            }
            // The successor can't be started; the first back-off is waited for and tried in vain.
            try await stage.launches(2)
            try await stage.pass(.seconds(1))
            try await stage.launches(3)
            #expect(replica.signals.isEmpty && stage.recorder.endpoints.count == 1)
            try await stage.pass(.seconds(29))
            try await eventually("SIGTERM was sent") { replica.signals == [SIGTERM] }
            #expect(stage.recorder.endpoints.isEmpty)
            try await eventually("it is said") { !stage.recorder.events("replica.unhealthy").isEmpty }
        }
    }

    @Test("a replica is measured when it is ready and a second later, so that the first look at it shows a number")
    func measuredSoon() async throws {
        let stage = Stage()
        stage.driver.state.withLock { $0.used = .zero }
        try await running(stage, [Self.spec(3)]) { compute in
            try await eventually("they are ready") { stage.recorder.endpoints.count == 3 }
            // One that got ready a moment after the others is measured for the first time a second later.
            try await eventually("cores are known") {
                if stage.clock.pending.contains(.seconds(1)) { stage.clock.advance(by: .seconds(1)) }
                return await compute.areMeasured
            }
            #expect((2...3).contains(stage.driver.state.withLock { $0.measurements.count }))
            #expect(await compute.status().first?.replicas.allSatisfy { $0.usage?.cores == 0 } == true)
        }
    }

    @Test("the autoscaler's interval is its own: looking at status in between does not shorten it")
    func ownInterval() async throws {
        let stage = Stage()
        stage.driver.state.withLock { $0.used = .zero }
        try await running(stage, [Self.spec()]) { compute in
            try await eventually("it is ready") { stage.recorder.endpoints.count == 1 }
            try await stage.pass(.seconds(1))
            try await eventually("cores are known") { await compute.measure("web").first?.cores == 0 }
            stage.clock.advance(by: .seconds(14))
            _ = await compute.measure("web")
            for step in 1...15 {
                stage.clock.advance(by: .seconds(1))
                stage.driver.state.withLock { $0.used = .milliseconds(step <= 5 ? step * 1000 : 5000) }
                _ = await compute.status()
            }
            let measure = try #require(await compute.measure("web").first)
            #expect(abs((measure.cores ?? 0) - 5.0 / 15.0) < 0.001, "\(String(describing: measure.cores))")
            #expect(measure.readyFor == .seconds(30) && measure.ready && measure.memoryBytes == 1 << 20)
            #expect(await compute.status().first?.replicas.first?.usage?.cores == 0)
            #expect(await compute.measureAll().mapValues(\.count) == ["web": 1])
            #expect(await compute.measure("wob").isEmpty)
        }
    }

    @Test("a journal that can't be written is said, and the replica serves all the same")
    func storeFails() async throws {
        struct FullDisk: Error, CustomStringConvertible { let description = "disk full" }
        struct Broken: ReplicaStore {
            func save(_ record: AdoptionRecord) async throws { throw FullDisk() }
            func remove(_ replica: ReplicaID) async throws { throw FullDisk() }
            func all() async throws -> [AdoptionRecord] { [] }
        }
        let stage = Stage()
        var ports = stage.recorder.ports
        ports.store = Broken()
        try await running(stage, [Self.spec()], ports: ports) { _ in
            try await eventually("it is ready") { stage.recorder.endpoints.count == 1 }
            #expect(stage.recorder.events("replica.unrecorded").first?.message.contains("disk full") == true)
        }
    }

    @Test("told to stop before it has begun, and without services, it stops", .timeLimit(.minutes(1)))
    func stopWithoutServices() async throws {
        let stage = Stage()
        await stage.compute([]).stopAll()
        #expect(stage.driver.state.withLock { $0.closed })
    }

    @Test("a journal that can't be read ends the run before anything is started")
    func storeUnreadable() async throws {
        struct Unreadable: Error {}
        struct Broken: ReplicaStore {
            func save(_ record: AdoptionRecord) async throws {}
            func remove(_ replica: ReplicaID) async throws {}
            func all() async throws -> [AdoptionRecord] { throw Unreadable() }
        }
        let stage = Stage()
        var ports = stage.recorder.ports
        ports.store = Broken()
        let compute = stage.compute([Self.spec()], ports: ports)
        await #expect(throws: ComputeStartError.self) { try await compute.run() }
        #expect(stage.driver.launches.isEmpty)
    }
}

extension Compute {
    fileprivate var areMeasured: Bool { replicas.values.allSatisfy { $0.shown.cores != nil } }
}
