import AloftModel

/// `services.*.release` and `deploy.gates`: what is run for a release.
enum ReleaseKeys {
    static let section = Section<ReleaseSpec>(
        "release", [command.member, env.member, reversible.member, timeout.member]
    ) { fields, _ in
        guard let command = fields[command] else { return nil }
        return ReleaseSpec(
            command: command, reversible: fields[reversible], timeout: fields[timeout], environment: fields[env])
    }

    static let env = Key<ReleaseSpec, [EnvironmentVariable]>.standard(
        "env", ServiceKeys.variables, "{}", "Variables of the command alone, laid over the service's `env`.",
        detail: "A migration often needs rights that the app should not have: a URL of its own, for example.",
        example: "{DATABASE_URL: \"postgres://owner@localhost/shop\"}",
        synonyms: ["environment", "envs", "vars", "variables"]
    ) { $0.environment }

    static let command = Key<ReleaseSpec, [Template]?>.required(
        "command", .list(of: .template, count: 1...256), "The program and its arguments; a migration, for example.",
        detail:
            "It runs once, in the release's own folder and environment, before any replica of it is sent traffic. An "
            + "exit code other than 0 fails the release, and what ran before goes on. `${PORT}` is not known to it.",
        example: "[./bin/migrate]", synonyms: ["run", "cmd", "migrate"]
    ) { $0.command }

    static let reversible = Key<ReleaseSpec, Bool>.standard(
        "reversible", .boolean, "true", "Whether the release before can run on what the command left behind.",
        detail: "With `false` a rollout that fails is frozen instead of rolled back, and somebody must decide.",
        example: "false", synonyms: ["backwardsCompatible"]
    ) { $0.reversible }

    static let timeout = Key<ReleaseSpec, Duration>.standard(
        "timeout", .duration(.seconds(1)...(.seconds(86_400)), usual: "m"), "10m",
        "It is killed after so long, with all that it started, and the release has failed.", example: "1h"
    ) { $0.timeout }

    static let gates = Section<GatesSpec>("gates", [before.member, after.member]) { fields, reader in
        let commands = fields[before]
        var seen: [String: Placed<GatesSpec.Command>] = [:]
        for placed in commands {
            if let first = seen[placed.item.name], let node = placed.node?[name.name] ?? placed.node {
                reader.problems.add(
                    Problem(
                        span: node.span, message: "a second gate has the name `\(placed.item.name)`",
                        hint: "give each its own, so that a verdict names one of them",
                        notes: first.node.map { [.init(span: $0.span, message: "the first one is here")] } ?? []))
            } else {
                seen[placed.item.name] = placed
            }
        }
        var checks: Set<GatesSpec.Check> = []
        for check in fields[after] where !checks.insert(check.item).inserted {
            reader.problems.error(
                check.node?.span ?? fields.span, "`\(check.item.rawValue)` is listed twice", hint: "remove one")
        }
        return GatesSpec(before: commands.map(\.item), after: fields[after].map(\.item))
    }

    static let before = Key<GatesSpec, [Placed<GatesSpec.Command>]>.standard(
        "before", .placedList(of: gate.kind, count: 0...32), "[]",
        "Commands that must pass before a release is sent traffic.",
        example: "[{name: tests, run: [make, test]}]", synonyms: ["pre", "checks"]
    ) { $0.before.map { Placed(item: $0) } }

    static let after = Key<GatesSpec, [Placed<GatesSpec.Check>]>.standard(
        "after",
        .placedList(
            of: .choice([
                ("health", .health, "every replica is ready"),
                ("performance", .performance, "the edge's latency, held against what was there before"),
                ("headers", .headers, "the security headers of answers"),
                ("certificate", .certificate, "the certificates' hosts and dates"),
                ("database", .database, "the databases of the file"), ("cache", .cache, "the caches of the file"),
                ("metrics", .metrics, "the metrics pages"), ("backups", .backups, "the newest backups"),
            ]), count: 0...8),
        "[]", "What Aloft checks by itself once a release was promoted.",
        detail: "A check whose subject the file does not have is \"not applicable\", never \"passed\".",
        example: "[health, headers]", synonyms: ["post"]
    ) { $0.after.map { Placed(item: $0) } }

    static let gate = Section<GatesSpec.Command>(
        "gate", [name.member, run.member, gateTimeout.member, required.member]
    ) { fields, _ in
        guard let name = fields[name], let run = fields[run] else { return nil }
        return GatesSpec.Command(name: name, run: run, timeout: fields[gateTimeout], required: fields[required])
    }

    static let name = Key<GatesSpec.Command, String?>.required(
        "name", .name("name"), "What verdicts and `aloft history` call it.", example: "tests",
        synonyms: ["id", "title"]
    ) { $0.name }

    static let run = Key<GatesSpec.Command, [Template]?>.required(
        "run", .list(of: .template, count: 1...256),
        "The program and its arguments, run in the release's folder; exit code 0 passes.", example: "[make, test]",
        synonyms: ["command", "exec", "cmd"]
    ) { $0.run }

    static let gateTimeout = Key<GatesSpec.Command, Duration>.standard(
        "timeout", .duration(.seconds(1)...(.seconds(86_400)), usual: "m"), "10m",
        "It is killed after so long and has failed.",
        example: "2m"
    ) { $0.timeout }

    static let required = Key<GatesSpec.Command, Bool>.standard(
        "required", .boolean, "true", "With `false` a failure is recorded and shown, and stops nothing.",
        example: "false"
    ) { $0.required }
}
