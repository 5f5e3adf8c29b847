import AloftModel

/// What a set of replicas is to run: one release of one service.
package struct ServiceTarget: Sendable, Hashable {
    package var spec: ServiceSpec
    /// From 1; 0 where releases are not told apart.
    package var release: Int

    package init(spec: ServiceSpec, release: Int) {
        self.spec = spec
        self.release = release
    }
}

extension ScalingSpec {
    /// Numbers that load, schedules and people may move a service to: the file's bounds, those of its schedules, and
    /// what an idle service goes down to.
    package var reach: ClosedRange<Int> {
        let low = ([minReplicas, idle?.to] + schedule.map(\.minReplicas)).compactMap { $0 }.min() ?? minReplicas
        let high = ([maxReplicas] + schedule.map(\.maxReplicas)).compactMap { $0 }.max() ?? maxReplicas
        return low...max(low, high)
    }

    /// A number brought within the bounds, as a change of the file does it.
    package func bounded(_ count: Int) -> Int {
        // An idle service stays so; one that is not is never fewer than somebody wants at some time of the day.
        if let idle, count == idle.to { return count }
        let low = ([minReplicas] + schedule.compactMap(\.minReplicas)).min() ?? minReplicas
        return min(max(count, low), reach.upperBound)
    }
}
