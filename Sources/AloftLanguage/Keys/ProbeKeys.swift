import AloftModel

/// `services.*.probes`.
enum ProbeKeys {
    static let section = Section<Probes>(
        "probes", [startup.member, readiness.member, liveness.member]
    ) { fields, _ in
        Probes(startup: fields[startup], readiness: fields[readiness], liveness: fields[liveness])
    }

    static let startup = Key<Probes, ProbeSpec?>.optional(
        "startup", probe.kind, otherwise: "the other probes start at once",
        "Must pass once before the other two start; failing for too long restarts the replica.",
        detail: "For apps that take long to start: give it many failures, and the other probes can stay strict.",
        example: "{httpGet: /health, period: 2s, failureThreshold: 30}"
    ) { $0.startup }

    static let readiness = Key<Probes, ProbeSpec?>.optional(
        "readiness", probe.kind, otherwise: "a replica gets requests as soon as it runs",
        "A replica gets requests only while this passes.",
        detail: "Without it a restart can send requests to a replica before it can answer.",
        example: "{httpGet: /health/ready, period: 5s}", synonyms: ["healthcheck", "health", "ready"]
    ) { $0.readiness }

    static let liveness = Key<Probes, ProbeSpec?>.optional(
        "liveness", probe.kind, otherwise: "only a replica that exits is restarted",
        "A replica for which this fails is restarted.",
        detail: "It must not depend on other systems: a database that is down is no reason to restart the app.",
        example: "{httpGet: /health/live}", synonyms: ["live"]
    ) { $0.liveness }

    static let probe = Section<ProbeSpec>(
        "probe",
        [
            httpGet.member, tcpSocket.member, exec.member, period.member, timeout.member, initialDelay.member,
            successThreshold.member, failureThreshold.member,
        ],
        alternatives: [.exactlyOne("httpGet", "tcpSocket", "exec")]
    ) { fields, reader in
        if reader.listen == .nothing {
            for (isGiven, span, name) in [
                (fields.has(httpGet), fields.keySpan(httpGet), httpGet.name),
                (fields.has(tcpSocket), fields.keySpan(tcpSocket), tcpSocket.name),
            ] where isGiven {
                reader.problems.error(
                    span, "`\(name)` needs an address to ask, and this service has `listen: none`",
                    hint: "write `exec: [./check]`: a command that exits with 0 while the worker is well")
            }
        }
        let check: ProbeSpec.Check? =
            fields[httpGet].map { .httpGet($0) } ?? fields[exec].map { .exec($0) }
            ?? (fields[tcpSocket] == true ? .tcpSocket : nil)
        guard let check else { return nil }
        return ProbeSpec(
            check: check, period: fields[period], timeout: fields[timeout], initialDelay: fields[initialDelay],
            successThreshold: fields[successThreshold], failureThreshold: fields[failureThreshold])
    }

    static let httpGet = Key<ProbeSpec, HTTPProbe?>.optional(
        "httpGet", httpKind, "Asks for this path, or for `{path, host, headers}`; a status from 200 to 399 passes.",
        example: "/health", synonyms: ["http", "path", "url"]
    ) { if case .httpGet(let probe) = $0.check { probe } else { nil } }

    private static let httpKind: Kind<HTTPProbe> = {
        let section = httpSection.kind
        let path = Kind<String>.requestPath
        let spell: @Sendable (HTTPProbe) -> Outline = { probe in
            probe.host == nil && probe.headers.isEmpty ? path.spell(probe.path) : section.spell(probe)
        }
        return Kind(.either([path.form, section.form]), spell: spell) { node, reader in
            guard node.items == nil else {
                reader.error(node, "`httpGet` is a path, or a section with `path`, and this is a list")
                return nil
            }
            guard node.scalar == nil else { return path.read(node, &reader).map { HTTPProbe(path: $0) } }
            return section.read(node, &reader)
        }
    }()

    static let httpSection = Section<HTTPProbe>(
        "httpGet", [httpPath.member, host.member, headers.member]
    ) { fields, _ in
        fields[httpPath].map { HTTPProbe(path: $0, host: fields[host], headers: fields[headers]) }
    }

    static let httpPath = Key<HTTPProbe, String?>.required(
        "path", .requestPath, "The path to ask for.", example: "/health", synonyms: ["url", "uri"]
    ) { $0.path }

    static let host = Key<HTTPProbe, String?>.optional(
        "host", .hostField, otherwise: "`localhost`",
        "The Host field, for apps that answer certain hosts only.", example: "shop.example",
        synonyms: ["hostname", "Host"]
    ) { $0.host }

    static let headers = Key<HTTPProbe, [HeaderRules.Field]>.standard(
        "headers", .fields(lowercased: false, HeaderNames.ofProbe), "{}", "Further header fields.",
        example: "{X-Probe: \"1\"}", synonyms: ["header", "httpHeaders", "fields"]
    ) { $0.headers }

    static let tcpSocket = Key<ProbeSpec, Bool?>.optional(
        "tcpSocket", .flag, "Passes if the replica accepts a connection.", example: "true", synonyms: ["tcp"]
    ) { $0.check == .tcpSocket ? true : nil }

    static let exec = Key<ProbeSpec, [Template]?>.optional(
        "exec", .list(of: .template, count: 1...256),
        "Runs this command in the service's folder with the replica's environment; exit code 0 passes.",
        example: "[./check, --fast]", synonyms: ["command", "test", "cmd"]
    ) { if case .exec(let command) = $0.check { command } else { nil } }

    static let period = Key<ProbeSpec, Duration>.standard(
        "period", .duration(.milliseconds(100)...(.seconds(3600))), "10s", "From one question to the next.",
        example: "5s", synonyms: ["interval", "periodSeconds"]
    ) { $0.period }

    static let timeout = Key<ProbeSpec, Duration>.standard(
        "timeout", .duration(.milliseconds(10)...(.seconds(600))), "1s", "No answer within this time is a failure.",
        example: "2s", synonyms: ["timeoutSeconds"]
    ) { $0.timeout }

    static let initialDelay = Key<ProbeSpec, Duration>.standard(
        "initialDelay", .duration(.zero...(.seconds(3600))), "0s",
        "From the start of the process to the first question.",
        example: "3s", synonyms: ["initialDelaySeconds", "startPeriod", "start_period"]
    ) { $0.initialDelay }

    static let successThreshold = Key<ProbeSpec, Int>.standard(
        "successThreshold", .integer(1...100), "1", "Passes in a row that turn failed into passed.", example: "2"
    ) { $0.successThreshold }

    static let failureThreshold = Key<ProbeSpec, Int>.standard(
        "failureThreshold", .integer(1...1000), "3", "Failures in a row that turn passed into failed.", example: "5",
        synonyms: ["retries"]
    ) { $0.failureThreshold }
}
