import AloftModel

/// `services.*.scaling.behavior`, `idle` and `schedule[]`.
enum BehaviorKeys {
    private typealias Rules = ScalingBehavior.Rules

    static let section = Section<ScalingBehavior>(
        "behavior", [scaleUp.member, scaleDown.member, tolerance.member, warmUp.member]
    ) { fields, _ in
        ScalingBehavior(
            scaleUp: fields[scaleUp], scaleDown: fields[scaleDown], tolerance: fields[tolerance],
            warmUp: fields[warmUp])
    }

    static let scaleUp = Key<ScalingBehavior, ScalingBehavior.Rules>.standard(
        "scaleUp", up.kind, "{}", "How the number grows.", example: "{maxStep: 2, cooldown: 3m}", synonyms: ["up"]
    ) { $0.scaleUp }

    static let scaleDown = Key<ScalingBehavior, ScalingBehavior.Rules>.standard(
        "scaleDown", down.kind, "{}", "How the number shrinks.", example: "{maxStep: 1, cooldown: 10m}",
        synonyms: ["down"]
    ) { $0.scaleDown }

    static let tolerance = Key<ScalingBehavior, Percent>.standard(
        "tolerance", .percent(Percent(0)...Percent(100)), "10%",
        "A measure that is no further from its target is no reason to do anything.", example: "5%"
    ) { $0.tolerance }

    static let warmUp = Key<ScalingBehavior, Duration>.standard(
        "warmUp", .duration(.zero...(.seconds(3600))), "30s",
        "The processor use of a younger replica is not counted: starting costs more than running.", example: "1m",
        synonyms: ["initializationPeriod"]
    ) { $0.warmUp }

    private static let upWindow = window("0s", example: "2m", "The smallest number wanted within this time counts.")
    private static let downWindow = window("5m", example: "10m", "The largest number wanted within this time counts.")

    private static let up = rules("scaleUp", upWindow)
    private static let down = rules("scaleDown", downWindow)

    private static func rules(_ name: String, _ window: Key<Rules, Duration>) -> Section<Rules> {
        Section(name, [window.member, maxStep.member, cooldown.member]) { fields, _ in
            Rules(stabilizationWindow: fields[window], maxStep: fields[maxStep], cooldown: fields[cooldown])
        }
    }

    private static func window(_ standard: String, example: String, _ summary: String) -> Key<Rules, Duration> {
        .standard(
            "stabilizationWindow", .duration(.zero...(.seconds(3600))), standard, summary, example: example,
            synonyms: ["stabilizationWindowSeconds"]
        ) { $0.stabilizationWindow }
    }

    private static let maxStep = Key<Rules, Int?>.optional(
        "maxStep", .integer(1...1000), otherwise: "no limit", "Replicas that one step may add or take.", example: "2"
    ) { $0.maxStep }

    private static let cooldown = Key<Rules, Duration>.standard(
        "cooldown", .duration(.zero...(.seconds(86_400))), "0s", "At least so long between two steps this way.",
        example: "3m"
    ) { $0.cooldown }

    static let idle = Section<IdleSpec>(
        "idle", [after.member, to.member, maxPending.member, maxWait.member]
    ) { fields, _ in
        guard let after = fields[after] else { return nil }
        return IdleSpec(after: after, to: fields[to], maxPending: fields[maxPending], maxWait: fields[maxWait])
    }

    static let after = Key<IdleSpec, Duration?>.required(
        "after", .duration(.seconds(1)...(.seconds(7 * 86_400)), usual: "m"), "No request for so long.", example: "15m"
    ) { $0.after }

    static let to = Key<IdleSpec, Int>.standard(
        "to", .integer(0...1000), "0", "How many replicas stay.", example: "1"
    ) { $0.to }

    static let maxPending = Key<IdleSpec, Int>.standard(
        "maxPending", .integer(0...100_000), "1000", "Requests that may be held at once; one more is answered 503.",
        example: "100", synonyms: ["queue"]
    ) { $0.maxPending }

    static let maxWait = Key<IdleSpec, Duration>.standard(
        "maxWait", .duration(.milliseconds(100)...(.seconds(600))), "30s",
        "A request that is held longer is answered 503.", example: "10s", synonyms: ["timeout"]
    ) { $0.maxWait }

    static let schedule = Section<ScalingSchedule>(
        "schedule", [cron.member, minReplicas.member, maxReplicas.member, duration.member],
        alternatives: [.atLeastOne("minReplicas", "maxReplicas")]
    ) { fields, _ in
        guard let cron = fields[cron] else { return nil }
        return ScalingSchedule(
            cron: cron, minReplicas: fields[minReplicas], maxReplicas: fields[maxReplicas], duration: fields[duration])
    }

    static let cron = Key<ScalingSchedule, Schedule?>.required(
        "cron", .schedule, "When: minute, hour, day, month, weekday, and a time zone.",
        detail: "As in cron(8). Without a time zone it is the machine's own.", example: "\"0 22 * * * Asia/Kolkata\"",
        synonyms: ["at", "start", "when"]
    ) { $0.cron }

    static let minReplicas = Key<ScalingSchedule, Int?>.optional(
        "minReplicas", .integer(1...1000), otherwise: "as in `scaling`", "`minReplicas` from then on.", example: "3",
        synonyms: ["min"]
    ) { $0.minReplicas }

    static let maxReplicas = Key<ScalingSchedule, Int?>.optional(
        "maxReplicas", .integer(1...1000), otherwise: "as in `scaling`", "`maxReplicas` from then on.", example: "9",
        synonyms: ["max"]
    ) { $0.maxReplicas }

    static let duration = Key<ScalingSchedule, Duration?>.optional(
        "for", .duration(.seconds(60)...(.seconds(366 * 86_400)), usual: "h"), otherwise: "until another entry begins",
        "How long it holds.", example: "8h", synonyms: ["duration"]
    ) { $0.duration }
}
