import AloftModel

/// `services.*.deploy`.
enum DeployKeys {
    static let section = Section<DeploySpec>(
        "deploy",
        [
            strategy.member, artifact.member, rolling.member, blueGreen.member, steps.member, canary.member,
            analysis.member, onFailure.member, watch.member, progressDeadline.member, maxCrashes.member, gates.member,
            history.member,
        ],
        build: build)

    private static func build(_ fields: Fields, _ reader: inout Reader) -> DeploySpec? {
        DeployCheck(fields).report(to: &reader)
        let strategy = fields[strategy]
        var spec = DeploySpec(
            strategy: strategy, artifact: fields[artifact], analysis: fields[analysis], onFailure: fields[onFailure],
            watch: fields[watch], progressDeadline: fields[progressDeadline], maxCrashes: fields[maxCrashes],
            gates: fields[gates], history: fields[history])
        switch strategy {
        case .rolling: spec.rolling = fields[rolling]
        case .blueGreen: spec.keep = fields[blueGreen].keep
        case .canary:
            spec.canary = fields[canary]
            spec.canary.steps = (fields[steps] ?? []).map(\.item)
        case .recreate: break
        }
        return spec
    }

    static let strategy = Key<DeploySpec, DeploySpec.Strategy>.standard(
        "strategy",
        .choice([
            ("rolling", .rolling, "replicas of the new release take the place of old ones, a few at a time"),
            ("blueGreen", .blueGreen, "a full second set, then all traffic at once; the old set is kept for a while"),
            ("canary", .canary, "a share of the traffic that grows by `steps`, each judged"),
            ("recreate", .recreate, "the old set ends before the new one starts: for apps of which two must never run"),
        ]),
        "rolling", "How a new release takes over.", example: "recreate", synonyms: ["type", "kind", "method"]
    ) { $0.strategy }

    static let artifact = Key<DeploySpec, String?>.optional(
        "artifact", .path("folder", plural: "folders"), otherwise: "the code runs in `directory`, in place",
        "A folder that is copied into each release, which then runs there.",
        detail:
            "So a rollback brings the code back, whatever became of the folder. The copy is read-only, and its path is "
            + "another one for each release: a Python virtual environment does not work in it unless it is made with "
            + "`--relocatable`. `aloft deploy --artifact DIR` names another folder for one deploy.",
        example: "./dist", effect: .nextRelease, synonyms: ["copy", "package"]
    ) { $0.artifact }

    static let rolling = Key<DeploySpec, RollingSpec>.applicable(
        "rolling", rollingSection.kind, "{}", "How many replicas a `rolling` deploy may have too many or too few.",
        example: "{maxSurge: 1}", synonyms: ["rollingUpdate"]
    ) { $0.strategy == .rolling ? $0.rolling : nil }

    static let rollingSection = Section<RollingSpec>(
        "rolling", [maxSurge.member, maxUnavailable.member]
    ) { fields, reader in
        let spec = RollingSpec(maxSurge: fields[maxSurge], maxUnavailable: fields[maxUnavailable])
        let none: [ReplicaCount] = [.count(0), .share(Percent(0))]
        if none.contains(spec.maxSurge), none.contains(spec.maxUnavailable) {
            reader.problems.error(
                fields.span(maxSurge), "with `maxSurge` and `maxUnavailable` both 0 no replica could ever be replaced",
                hint: "write `maxSurge: 1`")
        }
        return spec
    }

    static let maxSurge = Key<RollingSpec, ReplicaCount>.standard(
        "maxSurge", .replicaCount, "25%", "Replicas above the wanted number: `2`, or a share, rounded up.", example: "1"
    ) { $0.maxSurge }

    static let maxUnavailable = Key<RollingSpec, ReplicaCount>.standard(
        "maxUnavailable", .replicaCount, "0", "Replicas that may be missing: `1`, or a share, rounded down.",
        example: "25%"
    ) { $0.maxUnavailable }

    /// `blueGreen`.
    struct BlueGreen: Sendable, Hashable { var keep: Duration }

    static let blueGreen = Key<DeploySpec, BlueGreen>.applicable(
        "blueGreen", blueGreenSection.kind, "{}", "What a `blueGreen` deploy keeps.", example: "{keep: 1h}"
    ) { $0.strategy == .blueGreen ? BlueGreen(keep: $0.keep) : nil }

    static let blueGreenSection = Section<BlueGreen>("blueGreen", [keep.member]) { fields, _ in
        BlueGreen(keep: fields[keep])
    }

    static let keep = Key<BlueGreen, Duration>.standard(
        "keep", .duration(.zero...(.seconds(7 * 86_400)), usual: "m"), "10m",
        "How long the old set stays up after the switch, so that going back takes no start.", example: "1h",
        synonyms: ["scaleDownDelay", "terminationWaitTime"]
    ) { $0.keep }

    static let steps = Key<DeploySpec, [Placed<CanarySpec.Step>]?>.optional(
        "steps", .placedList(of: CanaryKeys.step.kind, count: 1...50), otherwise: "needed with `strategy: canary`",
        "How the share of a `canary` grows; all traffic follows the last step.",
        example: "[{weight: 5%, for: 2m}, {approve: ops}, {weight: 50%, for: 5m}]", synonyms: ["stages", "weights"]
    ) { $0.strategy == .canary ? $0.canary.steps.map { Placed(item: $0) } : nil }

    static let canary = Key<DeploySpec, CanarySpec>.applicable(
        "canary", CanaryKeys.section.kind, "{}", "Which requests a `canary` is sent.",
        example: "{sticky: {cookie: session}}"
    ) { $0.strategy == .canary ? $0.canary : nil }

    static let analysis = Key<DeploySpec, AnalysisSpec?>.optional(
        "analysis", AnalysisKeys.section.kind, otherwise: "only probes and gates judge",
        "What a new release is judged by, from the edge's own counters of both releases.",
        example: "{maxErrorRate: 1%}", synonyms: ["analyze", "metrics"]
    ) { $0.analysis }

    static let onFailure = Key<DeploySpec, DeploySpec.OnFailure>.standard(
        "onFailure",
        .choice([
            ("rollback", .rollback, "the release before gets all traffic again, without being asked"),
            ("freeze", .freeze, "everything stays as it is until somebody decides"),
        ]),
        "rollback", "What becomes of a release that failed.", example: "freeze", synonyms: ["rollback", "autoRollback"]
    ) { $0.onFailure }

    static let watch = Key<DeploySpec, Duration>.standard(
        "watch", .duration(.zero...(.seconds(7 * 86_400)), usual: "m"), "0s",
        "Readiness and analysis are looked at for so long after a release got all traffic.", example: "10m",
        synonyms: ["bake", "bakeTime"]
    ) { $0.watch }

    static let progressDeadline = Key<DeploySpec, Duration>.standard(
        "progressDeadline", .duration(.seconds(1)...(.seconds(86_400)), usual: "m"), "10m",
        "A release whose replicas are not ready for so long has failed.", example: "2m",
        synonyms: ["timeout", "progressDeadlineSeconds"]
    ) { $0.progressDeadline }

    static let maxCrashes = Key<DeploySpec, Int>.standard(
        "maxCrashes", .integer(1...100), "3",
        "A release of which a replica ends so often in a row before it was ready has failed.", example: "1",
        synonyms: ["maxRestarts", "crashLimit", "backoffLimit"]
    ) { $0.maxCrashes }

    static let gates = Key<DeploySpec, GatesSpec>.standard(
        "gates", ReleaseKeys.gates.kind.withoutAddress, "{}",
        "What must hold before a release is sent traffic, and after.",
        example: "{before: [{name: tests, run: [make, test]}], after: [health]}", effect: .nextRelease
    ) { $0.gates }

    static let history = Key<DeploySpec, HistorySpec>.standard(
        "history", historySection.kind, "{}", "How many releases are kept.", example: "{keep: 50}",
        synonyms: ["revisionHistoryLimit"]
    ) { $0.history }

    static let historySection = Section<HistorySpec>("history", [kept.member, maxAge.member, maxSize.member]) {
        fields, _ in
        HistorySpec(keep: fields[kept], maxAge: fields[maxAge], maxSize: fields[maxSize])
    }

    static let kept = Key<HistorySpec, Int>.standard(
        "keep", .integer(2...1000), "20", "Releases that are kept, the current one and the one before always.",
        example: "50", synonyms: ["count", "max"]
    ) { $0.keep }

    static let maxAge = Key<HistorySpec, Duration>.standard(
        "maxAge", .duration(.seconds(3600)...(.seconds(10 * 365 * 86_400)), usual: "d"), "90d",
        "Older releases are removed.", example: "30d"
    ) { $0.maxAge }

    static let maxSize = Key<HistorySpec, ByteSize>.standard(
        "maxSize", .size(.mebibytes(1)...ByteSize(bytes: 64 << 40), usual: "MiB"), "10GiB",
        "What the copies of a service's artifacts may take; older releases are removed beyond it.",
        detail: "The current release and the one before it stay whatever their size.", example: "2GiB"
    ) { $0.maxSize }
}
