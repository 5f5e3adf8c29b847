import AloftModel
import AloftSystem
import Glibc

/// What one process of a replica goes through, from its making until nothing of it is left.
///
/// Facts come in as events, what is to be done goes out as actions; no clock, no process, no network.
package struct ReplicaMachine: Sendable {
    package enum Phase: Sendable, Hashable {
        case launching, startup, probing
        /// Its probe passed; the edge is being told.
        case admitting
        /// The edge sends it requests.
        case ready
        case unready
        /// Out of rotation, requests end.
        case draining
        /// The stop signal was sent.
        case terminating
        /// SIGKILL was sent.
        case killing
        /// The process has ended; what it left is removed.
        case sweeping
        case gone
    }

    package enum Event: Sendable, Hashable {
        case launched
        case launchFailed
        /// Runs since before this daemon.
        case adopted
        case exited
        case probed(ProbeKind, passed: Bool)
        /// `admit` was carried out: only from now on may another leave rotation for it.
        case admitted
        /// It has run for a moment, which is all there is to wait for.
        case settled
        /// A connection to it was refused just now.
        case unreachable
        case stopAsked
        case drained
        case graceOver
        case swept
    }

    package enum Action: Sendable, Hashable {
        /// Put it in rotation, then send `admitted`.
        case admit
        case eject
        /// Start asking; answers come back as `probed`.
        case probe(ProbeKind)
        /// Send `settled` after this time.
        case settle(Duration)
        /// Wait until no request is under way, at most so long, then send `drained`.
        case drain(Duration)
        /// To the whole process group.
        case signal(Int32)
        /// Send `graceOver` after this time.
        case waitGrace(Duration)
        /// Kill whatever is left and remove its files, then send `swept`.
        case sweep
        /// Nothing is left: forget it.
        case forget
    }

    /// Why a running process has to be replaced.
    package enum Condemnation: String, Sendable, Hashable {
        case liveness = "liveness probe failed"
        case startup = "startup probe failed"
    }

    package private(set) var phase = Phase.launching
    package private(set) var since: MonotonicTime
    /// Set once; the planner decides when to act on it.
    package private(set) var condemned: Condemnation?
    package private(set) var condemnedSince: MonotonicTime?
    package private(set) var stopAsked = false
    package private(set) var wasReady = false
    /// The longest time in rotation without a break.
    package private(set) var longestReady = Duration.zero
    /// Probes started under an older configuration, or before asking began anew, carry an older number.
    private var rounds: [ProbeKind: Int] = [:]

    private var probes: Probes
    /// Nobody connects to it and no probe says whether it is ready: it is, once it has run for a moment.
    private var settles: Bool
    private var isAdopted = false
    private var stop: StopSpec
    private var gates: [ProbeKind: ProbeGate]
    private var quickProbes = 0
    /// It was in rotation and refused a connection: asked soon, and less and less often.
    private var isReturning = false
    /// Until when it is asked more often than its period says.
    private var quickUntil: MonotonicTime?

    /// How long a process without an address must run to be ready; one that was adopted has run long enough.
    ///
    /// Kubernetes' `minReadySeconds`: what fails while it starts mostly does so within it.
    package static let settleTime = Duration.seconds(2)

    package init(probes: Probes, stop: StopSpec, settles: Bool = false, now: MonotonicTime) {
        self.probes = probes
        self.settles = settles
        self.stop = stop
        since = now
        gates = [:]
        for kind in ProbeKind.allCases { gates[kind] = Self.gate(probes, kind) }
    }

    package var inRotation: Bool { phase == .ready }

    /// True from the moment it was told to stop or ended by itself.
    package var isEnding: Bool {
        switch phase {
        case .launching, .startup, .probing, .admitting, .ready, .unready: stopAsked
        case .draining, .terminating, .killing, .sweeping, .gone: true
        }
    }

    package func round(of kind: ProbeKind) -> Int { rounds[kind] ?? 0 }

    package func gate(_ kind: ProbeKind) -> ProbeGate? { gates[kind] }

    package mutating func handle(_ event: Event, at now: MonotonicTime) -> [Action] {
        switch event {
        case .launched: return began(now)
        case .adopted:
            isAdopted = true
            return began(now)
        case .launchFailed, .exited: return ended(now)
        case .probed(let kind, let passed): return probed(kind, passed, now)
        case .admitted: return admitted(now)
        case .settled: return settled(now)
        case .unreachable: return unreachable(now)
        case .stopAsked: return stopNow(now)
        case .drained: return phase == .draining ? terminate(now) : []
        case .graceOver: return graceOver(now)
        case .swept:
            guard phase == .sweeping else { return [] }
            enter(.gone, now)
            return [.forget]
        }
    }

    /// Puts other probes and stop times in force without touching the process.
    package mutating func update(
        probes: Probes, stop: StopSpec, settles: Bool = false, at now: MonotonicTime
    ) -> [Action] {
        self.stop = stop
        guard probes != self.probes || settles != self.settles else { return [] }
        self.probes = probes
        self.settles = settles
        for kind in ProbeKind.allCases { rounds[kind, default: 0] += 1 }
        // A startup probe that is new has nothing to say about a process that has started.
        for kind in ProbeKind.allCases {
            gates[kind] = Self.gate(probes, kind, decision: kind == .readiness ? gates[kind]?.decision : nil)
        }
        switch phase {
        case .startup where probes.startup != nil: return [.probe(.startup)]
        case .startup: return beginProbing(now)
        case .ready where probes.readiness == nil, .admitting where probes.readiness == nil:
            return probes.liveness == nil ? [] : [.probe(.liveness)]
        case .probing, .admitting, .ready, .unready: return runningProbes()
        case .launching, .draining, .terminating, .killing, .sweeping, .gone: return []
        }
    }

    private mutating func enter(_ next: Phase, _ now: MonotonicTime) {
        if phase == .ready { longestReady = max(longestReady, now - since) }
        phase = next
        since = now
    }

    private mutating func began(_ now: MonotonicTime) -> [Action] {
        guard phase == .launching else { return [] }
        if stopAsked { return terminate(now) }
        hurry(now)
        if probes.startup != nil {
            enter(.startup, now)
            return [.probe(.startup)]
        }
        return beginProbing(now)
    }

    private mutating func beginProbing(_ now: MonotonicTime) -> [Action] {
        enter(.probing, now)
        hurry(now)
        return runningProbes()
    }

    private func runningProbes() -> [Action] {
        let first: Action = settles ? .settle(isAdopted ? .zero : Self.settleTime) : .probe(.readiness)
        return probes.liveness == nil ? [first] : [first, .probe(.liveness)]
    }

    private mutating func settled(_ now: MonotonicTime) -> [Action] {
        guard settles, !isEnding, phase == .probing || phase == .unready else { return [] }
        enter(.admitting, now)
        return [.admit]
    }

    private mutating func probed(_ kind: ProbeKind, _ passed: Bool, _ now: MonotonicTime) -> [Action] {
        guard !isEnding, let decision = gates[kind]?.answered(passed: passed, at: now) else { return [] }
        switch (kind, decision) {
        case (.startup, .passed) where phase == .startup: return beginProbing(now)
        case (.startup, .failed) where phase == .startup: condemn(.startup, now)
        case (.liveness, .failed): condemn(.liveness, now)
        case (.readiness, .passed) where phase == .probing || phase == .unready:
            enter(.admitting, now)
            return [.admit]
        case (.readiness, .failed) where phase == .ready || phase == .admitting:
            enter(.unready, now)
            return [.eject]
        default: break
        }
        return []
    }

    private mutating func admitted(_ now: MonotonicTime) -> [Action] {
        guard phase == .admitting else { return [] }
        enter(.ready, now)
        wasReady = true
        quickUntil = nil
        isReturning = false
        return []
    }

    private mutating func condemn(_ reason: Condemnation, _ now: MonotonicTime) {
        guard condemned == nil else { return }
        condemned = reason
        condemnedSince = now
    }

    private mutating func unreachable(_ now: MonotonicTime) -> [Action] {
        guard phase == .ready, !stopAsked else { return [] }
        gates[.readiness]?.fail()
        enter(.unready, now)
        isReturning = true
        quickProbes = 0
        // Whoever waits for the next period is too late; without a readiness probe nobody is asking at present.
        rounds[.readiness, default: 0] += 1
        return [.eject, .probe(.readiness)]
    }

    private mutating func stopNow(_ now: MonotonicTime) -> [Action] {
        guard !isEnding else { return [] }
        stopAsked = true
        switch phase {
        case .launching: return []
        case .ready, .admitting:
            enter(.draining, now)
            return [.eject, .drain(stop.drain)]
        case .unready:
            // Left rotation a moment ago, maybe: requests may be under way.
            enter(.draining, now)
            return [.drain(stop.drain)]
        case .startup, .probing, .draining, .terminating, .killing, .sweeping, .gone: return terminate(now)
        }
    }

    private mutating func terminate(_ now: MonotonicTime) -> [Action] {
        enter(.terminating, now)
        return [.signal(stop.signal.number), .waitGrace(stop.grace)]
    }

    private mutating func graceOver(_ now: MonotonicTime) -> [Action] {
        guard phase == .terminating else { return [] }
        enter(.killing, now)
        return [.signal(SIGKILL)]
    }

    private mutating func ended(_ now: MonotonicTime) -> [Action] {
        guard phase != .sweeping, phase != .gone else { return [] }
        let wasInRotation = phase == .ready || phase == .admitting
        enter(.sweeping, now)
        return wasInRotation ? [.eject, .sweep] : [.sweep]
    }

    private static func gate(_ probes: Probes, _ kind: ProbeKind, decision: ProbeGate.Decision? = nil) -> ProbeGate? {
        guard let spec = probes.spec(kind) else { return nil }
        return ProbeGate(
            successThreshold: spec.successThreshold, failureThreshold: spec.failureThreshold, period: spec.period,
            decision: decision)
    }
}

extension ReplicaMachine {
    private static let firstReturn = Duration.milliseconds(100)

    /// How long before a probe is first asked.
    package func firstDelay(_ kind: ProbeKind) -> Duration {
        guard let spec = probes.spec(kind) else { return .zero }
        if spec.initialDelay > .zero && !wasReady { return spec.initialDelay }
        if kind == .readiness && isReturning { return min(Self.firstReturn, spec.period) }
        // A process that was made just now is not expected to answer yet.
        return kind == .liveness ? spec.period : .zero
    }

    /// How long before a probe is asked again; nil ends the asking.
    ///
    /// Until it is first in rotation a replica is asked at 10 ms, 20 ms … 250 ms (the period where that is shorter), for
    /// at most a minute; then once a period. After a refused connection, at 100 ms, 200 ms … up to the period.
    package mutating func nextDelay(_ kind: ProbeKind, round: Int, at now: MonotonicTime) -> Duration? {
        guard !isEnding, round == self.round(of: kind), let spec = probes.spec(kind) else { return nil }
        switch kind {
        case .liveness: return condemned == nil ? spec.period : nil
        case .startup: return phase == .startup && condemned == nil ? pace(spec, now) : nil
        case .readiness:
            let hasPassed = phase == .ready || phase == .admitting
            if hasPassed { return probes.readiness == nil ? nil : spec.period }
            return pace(spec, now)
        }
    }

    private mutating func pace(_ spec: ProbeSpec, _ now: MonotonicTime) -> Duration {
        if isReturning {
            quickProbes = min(quickProbes + 1, 20)
            return min(Self.firstReturn * (1 << quickProbes), spec.period)
        }
        guard let quickUntil, now < quickUntil else { return spec.period }
        let quick = Duration.milliseconds(10 << min(quickProbes, 5))
        quickProbes += 1
        return min(quick, .milliseconds(250), spec.period)
    }

    private mutating func hurry(_ now: MonotonicTime) {
        quickUntil = now + .seconds(60)
        quickProbes = 0
    }
}

extension StopSpec.Signal {
    /// As this system numbers it.
    package var number: Int32 {
        switch self {
        case .term: SIGTERM
        case .int: SIGINT
        case .quit: SIGQUIT
        case .hup: SIGHUP
        case .usr1: SIGUSR1
        case .usr2: SIGUSR2
        case .winch: SIGWINCH
        }
    }
}

extension ServiceSpec {
    /// Whether a replica is ready by having run for a moment: a worker, or a service that no route leads to, unless a
    /// readiness probe says more.
    package var settles: Bool { probes.readiness == nil && (listen == .nothing || !isRouted) }
}

extension Probes {
    /// Without a readiness probe, a replica is ready as soon as it accepts a connection.
    package static let acceptsConnections = ProbeSpec(
        check: .tcpSocket, period: .seconds(1), timeout: .seconds(1), initialDelay: .zero,
        successThreshold: 1, failureThreshold: 1)

    package func spec(_ kind: ProbeKind) -> ProbeSpec? {
        switch kind {
        case .startup: startup
        case .readiness: readiness ?? Self.acceptsConnections
        case .liveness: liveness
        }
    }
}
