import AloftModel

/// `jobs.*`.
enum JobKeys {
    static let section = Section<JobSpec>(
        "job",
        [
            service.member, command.member, cron.member, timeout.member, overlap.member, retries.member,
            startWithin.member, onFailure.member,
        ],
        build: build)

    private static func build(_ fields: Fields, _ reader: inout Reader) -> JobSpec? {
        guard let service = fields[service], let command = fields[command] else { return nil }
        if !fields.has(cron) {
            let idle = "in a job without `cron`, which runs by hand only"
            fields.report(retries, idle: idle, &reader)
            fields.report(startWithin, idle: idle, &reader)
        }
        return JobSpec(
            name: reader.path.last ?? "", service: service, command: command, schedule: fields[cron],
            timeout: fields[timeout], overlap: fields[overlap], retries: fields[retries],
            startWithin: fields[startWithin], onFailure: fields[onFailure])
    }

    static let service = Key<JobSpec, String?>.required(
        "service", .serviceName, "Whose current release runs it: its folder or image, and its environment.",
        example: "api", synonyms: ["app", "of"]
    ) { $0.service }

    static let command = Key<JobSpec, [Template]?>.required(
        "command", .list(of: .template, count: 1...256), "The program and its arguments; no shell reads it.",
        detail: "Exit code 0 is success. `${PORT}` is not known to it.", example: "[./bin/digest]",
        synonyms: ["run", "cmd", "exec", "script"]
    ) { $0.command }

    static let cron = Key<JobSpec, Schedule?>.optional(
        "cron", .schedule, otherwise: "`aloft run NAME` runs it",
        "When it runs: minute, hour, day, month, weekday, and a time zone.",
        detail: "As in cron(8). Without a time zone it is the machine's own. A time that daylight saving leaves out "
            + "comes at the jump, one that comes twice counts once.",
        example: "\"0 7 * * * Asia/Kolkata\"", synonyms: ["schedule", "at", "every"]
    ) { $0.schedule }

    static let timeout = Key<JobSpec, Duration>.standard(
        "timeout", .duration(.seconds(1)...(.seconds(86_400)), usual: "m"), "1h",
        "It is killed after so long, with all that it started, and has failed.", example: "10m",
        synonyms: ["activeDeadlineSeconds", "limit"]
    ) { $0.timeout }

    static let overlap = Key<JobSpec, JobSpec.Overlap>.standard(
        "overlap",
        .choice([
            ("skip", .skip, "the new run is left out"),
            ("queue", .queue, "it begins when the other has ended; one waits at most"),
            ("allow", .allow, "both run, ten at most"),
        ]),
        "skip", "What happens to a run that is due while the one before still runs.", example: "queue",
        synonyms: ["concurrencyPolicy", "concurrency"]
    ) { $0.overlap }

    static let retries = Key<JobSpec, Int>.applicable(
        "retries", .integer(0...10), "0", "How often a run that failed is tried again.",
        detail: "After 10 s, 20 s, 40 s and so on, 10 minutes at most. A run by hand is not tried again.",
        example: "2", synonyms: ["backoffLimit", "attempts"]
    ) { $0.schedule == nil ? nil : $0.retries }

    static let startWithin = Key<JobSpec, Duration>.applicable(
        "startWithin", .duration(.zero...(.seconds(604_800)), usual: "m"), "1h",
        "A run that could not begin at its time, because Aloft was not running, still does within this time.",
        detail:
            "Once, however many times it was due meanwhile; what is later, or was due before, is recorded as missed.",
        example: "15m", synonyms: ["startingDeadlineSeconds", "misfireGraceTime"]
    ) { $0.schedule == nil ? nil : $0.startWithin }

    static let onFailure = Key<JobSpec, String?>.optional(
        "onFailure", .channelName, otherwise: "whom `notifications.warning` names",
        "The channel of `notifications` that is told of a run that failed or was missed.", example: "ops",
        synonyms: ["notify", "alert", "onError"]
    ) { $0.onFailure }

    /// A job and a service of one name could not be told apart by `aloft run` and `aloft logs`.
    static func checkNames(_ node: Node?, _ services: Node?, _ reader: inout Reader) {
        for entry in node?.entries ?? [] where !entry.key.hasPrefix("x-") {
            guard let service = services?.entries?.first(where: { $0.key == entry.key }) else { continue }
            reader.problems.add(
                Problem(
                    span: entry.keySpan, message: "a service has the name `\(entry.key.shortened)` too",
                    hint: "give the job another name: `aloft run` and `aloft logs` take both kinds",
                    notes: [.init(span: service.keySpan, message: "the service is here")]))
        }
    }
}
