import AloftCompute
import AloftEdge
import AloftJournal
import AloftModel
import AloftRollout
import AloftScaling
import AloftSystem
import ServiceLifecycle

/// Measures services for the scaler: replicas by compute, requests by the edge, series by their own metrics pages.
actor ScalingMeasures: ScalingSource {
    /// Metrics pages that are read at once.
    private static let fetchesAtOnce = 8

    private let compute: Compute
    private let edge: Edge
    private let fetch: LocalFetch
    private let wanted: WantedReplicas
    private let rollouts: Rollouts
    private let clock = SystemTime()
    private var seen: [String: (counts: [Int: EdgeStatistics.ReleaseCounts], at: MonotonicTime)] = [:]

    init(compute: Compute, edge: Edge, fetch: LocalFetch, wanted: WantedReplicas, rollouts: Rollouts) {
        self.compute = compute
        self.edge = edge
        self.fetch = fetch
        self.wanted = wanted
        self.rollouts = rollouts
    }

    func sample(_ service: ServiceSpec) async -> ServiceSample {
        let replicas = await compute.measure(service.name)
        let counts = await counts(of: service.name)
        let before = seen[service.name]
        let time = clock.now
        seen[service.name] = (counts, time)
        var sample = ServiceSample(
            desired: wanted.number(of: service.name),
            replicas: replicas.map { ReplicaSample(readyFor: $0.readyFor, cores: $0.cores, memory: $0.memoryBytes) },
            elapsed: before.map { time - $0.at } ?? .zero, requests: nil,
            isRollingOut: await rollouts.isRollingOut(service.name))
        if let before { add(counts, since: before.counts, service, to: &sample) }
        sample.series = await series(of: service, replicas)
        return sample
    }

    private func counts(of service: String) async -> [Int: EdgeStatistics.ReleaseCounts] {
        let releases = await edge.statistics().releases.filter { $0.service == service }
        return Dictionary(releases.map { ($0.release, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private func add(
        _ counts: [Int: EdgeStatistics.ReleaseCounts], since before: [Int: EdgeStatistics.ReleaseCounts],
        _ service: ServiceSpec, to sample: inout ServiceSample
    ) {
        var requests: UInt64 = 0
        var failures: UInt64 = 0
        var latency = LatencyDigest()
        for (release, now) in counts {
            let new = before[release].map { now.since($0) } ?? now
            requests &+= new.requests
            failures &+= new.failures
            latency.merge(new.latency)
        }
        sample.requests = Int(clamping: requests)
        sample.failures = Int(clamping: failures)
        for case .latency(let bound) in service.scaling.metrics {
            sample.latency[bound.quantile] = latency.quantile(bound.quantile.percent.fraction)
        }
    }

    // MARK: Series

    /// What each metrics page that is asked for said, one answer a replica in rotation.
    private typealias Pages = [(replica: String, page: Result<LocalFetch.Answer, LocalFetch.Failure>)]

    private func series(of service: ServiceSpec, _ replicas: [ReplicaMeasure]) async -> [SeriesSample] {
        var pages: [String: Pages] = [:]
        var samples: [SeriesSample] = []
        for case .series(let name, let path, _) in service.scaling.metrics {
            if pages[path] == nil { pages[path] = await read(path, of: replicas.filter(\.ready)) }
            samples.append(Self.total(of: name, path, pages[path] ?? []))
        }
        return samples
    }

    private func read(_ path: String, of replicas: [ReplicaMeasure]) async -> Pages {
        await withTaskGroup(of: (String, Result<LocalFetch.Answer, LocalFetch.Failure>).self) { [fetch] group in
            var pages: Pages = []
            var waiting = replicas[...]
            func next() {
                guard let replica = waiting.popFirst(), let address = replica.address else { return }
                group.addTask {
                    do throws(LocalFetch.Failure) {
                        return (replica.id.name, .success(try await fetch.get(address, path: path)))
                    } catch {
                        return (replica.id.name, .failure(error))
                    }
                }
            }
            for _ in 0..<Self.fetchesAtOnce { next() }
            while let page = await group.next() {
                pages.append(page)
                next()
            }
            return pages
        }
    }

    /// A total that lacks one replica is no total.
    private static func total(of name: String, _ path: String, _ pages: Pages) -> SeriesSample {
        var sum = 0.0
        for (replica, page) in pages.sorted(by: { $0.replica < $1.replica }) {
            switch page {
            case .failure(let failure):
                return SeriesSample(name: name, path: path, total: nil, problem: "\(replica)\(path): \(failure)")
            case .success(let answer) where answer.status != 200:
                return SeriesSample(name: name, path: path, total: nil, problem: "\(replica)\(path): \(answer.status)")
            case .success(let answer):
                do throws(MetricsText.Problem) {
                    sum += try MetricsText.sum(of: name, in: answer.body)
                } catch {
                    return SeriesSample(name: name, path: path, total: nil, problem: "\(replica)\(path): \(error)")
                }
            }
        }
        guard !pages.isEmpty else {
            return SeriesSample(name: name, path: path, total: nil, problem: "no replica is in rotation")
        }
        return SeriesSample(name: name, path: path, total: sum)
    }
}

/// What the scaler decided becomes the service's number, and is written down for the next daemon.
///
/// While a rollout shares the number between two releases it takes the new one over at its next look.
struct ScaledReplicas: ScalingTarget {
    let compute: Compute
    let wanted: WantedReplicas
    let rollouts: Rollouts

    func apply(_ service: String, desired: Int, reason: String) async throws {
        let number = "\(desired): "
        let why = reason.hasPrefix(number) ? String(reason.dropFirst(number.count)) : reason
        try await wanted.set(service, desired)
        if await rollouts.saysNumbers(of: service) { return }
        try await compute.scale(service, to: desired, reason: why)
    }
}

/// The scaler's history is a fact of the journal for each service.
struct JournalScalingStore: ScalingStore {
    let journal: Journal

    func load(_ service: String) async throws -> String? { try await journal.fact("scaling/\(service)") }

    func save(_ text: String, of service: String) async throws {
        try await journal.setFact("scaling/\(service)", text)
    }
}

/// Looks at services that scale, and wakes those of which the edge holds a request.
struct ScalerService: Service {
    let scaler: Scaler
    /// Names of services, from the edge.
    let wanted: AsyncStream<String>

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { tasks in
                tasks.addTask { await scaler.run() }
                tasks.addTask {
                    for await service in wanted { await scaler.wanted(service) }
                }
                await tasks.waitForAll()
            }
        }
    }
}

extension ScalingReport {
    init(_ status: ScalingStatus) {
        self.init(
            reason: status.reason,
            metrics: status.metrics.map { Metric(name: $0.name, current: $0.current, target: $0.target) },
            history: status.history.map(\.desired))
    }
}

extension EdgeService {
    /// An idle service's requests wait for its first replica.
    init(_ spec: ServiceSpec) {
        let canary = spec.deploy.canary
        self.init(
            name: spec.name, sticky: canary.sticky, forceHeader: canary.forceHeader, forceCookie: canary.forceCookie,
            mirror: canary.mirror,
            hold: spec.scaling.idle.map { Hold(maxPending: $0.maxPending, maxWait: $0.maxWait) })
    }
}
