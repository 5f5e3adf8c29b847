import AloftEdge
import AloftModel
import Synchronization

/// What the edge counted a while ago, so that a status can say how much there is now and not since the daemon started.
final class TrafficWindow: Sendable {
    /// Samples that are kept: with one each ``Upkeep/period`` the last minute.
    static let limit = 7

    private let samples = Mutex<[Sample]>([])

    struct Sample: Sendable {
        var time: Timestamp
        var totals: [String: ServiceTraffic]
    }

    /// Keeps what was counted by `time`.
    func keep(_ totals: [String: ServiceTraffic], at time: Timestamp) {
        samples.withLock { samples in
            samples.append(Sample(time: time, totals: totals))
            samples.removeFirst(max(0, samples.count - Self.limit))
        }
    }

    /// What came since the oldest sample that is kept, by service.
    ///
    /// - Parameter start: when all counts were zero, for a daemon that is younger than the first sample.
    func rates(_ totals: [String: ServiceTraffic], now: Timestamp, start: Timestamp) -> [String: TrafficReport] {
        let first = samples.withLock { $0.first } ?? Sample(time: start, totals: [:])
        let seconds = Double((now - first.time).milliseconds) / 1000
        guard seconds > 0 else { return [:] }
        return totals.mapValues { $0.since(first.totals[$0.service] ?? .init(service: $0.service), seconds: seconds) }
    }
}

/// All requests of one service that the edge has counted.
struct ServiceTraffic: Sendable, Hashable {
    var service: String
    var requests: UInt64 = 0
    /// Answered with 500 or more, by a replica or by the edge in its place.
    var errors: UInt64 = 0
    var latency = LatencyDigest()

    /// Of each service that has routes or releases.
    ///
    /// Requests and errors are those that clients saw, by the routes that lead to the service and to no other. Where a
    /// route's name does not say which service it is, the attempts of its releases stand in.
    static func totals(_ statistics: EdgeStatistics, _ routes: [RouteSpec]) -> [String: ServiceTraffic] {
        var owners: [String: Set<String>] = [:]
        for route in routes {
            if case .service(let target) = route.action {
                owners[route.template, default: []].insert(target.service)
            } else {
                owners[route.template, default: []].insert("")
            }
        }
        let unclear = Set(owners.values.filter { $0.count > 1 }.joined())
        var totals: [String: ServiceTraffic] = [:]
        for series in statistics.series {
            guard let owner = owners[series.route]?.first, !owner.isEmpty, !unclear.contains(owner) else { continue }
            let count = series.duration.count
            totals[owner, default: .init(service: owner)].requests &+= count
            if series.status >= 500 { totals[owner]?.errors &+= count }
        }
        for release in statistics.releases {
            totals[release.service, default: .init(service: release.service)].latency.merge(release.latency)
            guard unclear.contains(release.service) else { continue }
            totals[release.service]?.requests &+= release.requests &- min(release.requests, release.mirrored)
            totals[release.service]?.errors &+= release.failures
        }
        return totals
    }

    /// What was added; counts that went down, as when a release was forgotten, give nothing.
    func since(_ earlier: ServiceTraffic, seconds: Double) -> TrafficReport {
        let new = requests - min(requests, earlier.requests)
        let failed = errors - min(errors, earlier.errors)
        return TrafficReport(
            seconds: seconds, requestsPerSecond: Double(new) / seconds,
            errorShare: new == 0 ? nil : min(1, Double(failed) / Double(new)),
            p95: latency.subtracting(earlier.latency).quantile(0.95).map { Double($0.nanoseconds) / 1e9 })
    }
}
