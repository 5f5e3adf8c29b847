import AloftModel

extension ServiceSpec {
    /// A service whose deploys are as given; nothing else of it matters here.
    static func web(_ deploy: DeploySpec, release: ReleaseSpec? = nil, minAvailable: Int = 0) -> ServiceSpec {
        ServiceSpec(
            name: "web", command: [Template("web")], directory: "/srv/web", listen: .port, environment: [],
            resources: Resources(), probes: Probes(),
            restart: RestartSpec(
                policy: .always,
                backoff: RestartSpec.Backoff(initial: .seconds(1), max: .seconds(60), resetAfter: .seconds(60))),
            stop: StopSpec(drain: .seconds(1), grace: .seconds(1)),
            scaling: ScalingSpec(minReplicas: 1, maxReplicas: 20, minAvailable: minAvailable), release: release,
            deploy: deploy)
    }
}

extension DeploySpec {
    static let analysed = AnalysisSpec(
        interval: .seconds(10), minRequests: 100, maxErrorRate: Percent(1),
        maxLatency: [LatencyBound(.p95, .milliseconds(500))],
        comparedToStable: AnalysisSpec.Comparison(errorRate: 2, latency: [LatencyFactor(.p95, 1.5)]))

    static func canary(
        steps: [CanarySpec.Step] = [
            .weight(Percent(5), for: .seconds(30)), .weight(Percent(25), for: .seconds(30)), .approve("qa"),
            .weight(Percent(50), for: .seconds(30)),
        ], watch: Duration = .seconds(60), onFailure: OnFailure = .rollback
    ) -> DeploySpec {
        DeploySpec(
            strategy: .canary, canary: CanarySpec(steps: steps), analysis: analysed, onFailure: onFailure,
            watch: watch, progressDeadline: .seconds(60), gates: standardGates)
    }

    static func rolling(surge: Int = 1, unavailable: Int = 0) -> DeploySpec {
        DeploySpec(
            strategy: .rolling, rolling: RollingSpec(maxSurge: .count(surge), maxUnavailable: .count(unavailable)),
            analysis: analysed, watch: .seconds(30), progressDeadline: .seconds(60), gates: standardGates)
    }

    static let blueGreen = DeploySpec(
        strategy: .blueGreen, keep: .seconds(60), analysis: analysed, watch: .seconds(30),
        progressDeadline: .seconds(60), gates: standardGates)

    static let recreate = DeploySpec(
        strategy: .recreate, analysis: analysed, watch: .seconds(30), progressDeadline: .seconds(60),
        gates: standardGates)

    static let standardGates = GatesSpec(
        before: [GatesSpec.Command(name: "tests", run: [Template("rspec")])], after: [.health])
}

extension ReleaseSpec {
    static func migration(reversible: Bool) -> ReleaseSpec {
        ReleaseSpec(command: [Template("migrate")], reversible: reversible, timeout: .seconds(60))
    }
}
