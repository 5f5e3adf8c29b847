/// Sections of scaling, deploys, containers, notifications and promotion, all valid.
extension RandomFile {
    /// Whether the container has a port, so that it cannot listen on a socket.
    func writeContainer() -> Bool {
        let hasPort = number(0...1) == 0
        switch number(0...3) {
        case 0:
            lines.append("    image: \(pick(["ghcr.io/x/web:1.4", "localhost:5000/a/b", "web"]))")
            if hasPort { lines.append("    containerPort: \(number(1...65_535))") }
            if number(0...1) == 0 {
                lines.append("    pull: \(pick(["missing", "always"]))")
                maybe("    registry: {username: ci, password: \(pick(["x", "\"${env.TOKEN}\""]))}")
            } else {
                maybe("    pull: never")
            }
            maybe("    volumes: [{path: /data, from: ./d, readOnly: \(pick(["true", "false"]))}]")
            return hasPort
        case 1: lines.append("    build: \(pick(["./web", ".", "/c/d"]))")
        default: break
        }
        return false
    }

    func writeScaling() {
        switch number(0...2) {
        case 0: lines.append("    replicas: \(number(1...9))")
        case 1:
            lines.append("    scaling:")
            lines.append("      minReplicas: 2")
            lines.append("      maxReplicas: \(number(3...9))")
            maybe("      minAvailable: \(number(0...2))")
            maybe(
                "      idle: {after: \(duration(60_000...900_000)), to: \(number(0...1)), maxPending: \(number(1...99))}"
            )
            maybe(
                "      schedule: [{cron: \"0 22 * * * Asia/Kolkata\", maxReplicas: 10}, {cron: \"5 4 * * 1\", minReplicas: 3}]"
            )
            guard number(0...1) == 0 else { return }
            let metrics = [
                "{cpu: 70%}", "{memory: 80.5%}", "{requestsPerReplica: 1000/min}", "{requestsPerReplica: 20/15m}",
                "{latency: {p99: 500ms}}", "{series: orders_pending, path: /m, target: 1.5}",
            ]
            lines.append(
                "      metrics: [\((0..<number(1...3)).map { metrics[($0 * 2 + number(0...1)) % 6] }.joined(separator: ", "))]"
            )
            maybe(
                "      behavior: {scaleUp: {maxStep: \(number(1...9))}, tolerance: 5%, "
                    + "scaleDown: {stabilizationWindow: \(duration(1_000...600_000)), cooldown: 3m}}")
        default: break
        }
    }

    func writeDeploy() {
        maybe(
            "    release: {command: [./migrate, \(text())], reversible: \(pick(["true", "false"])), timeout: \(number(1...9))m}"
        )
        guard number(0...3) > 0 else { return }
        let strategy = pick(["rolling", "blueGreen", "canary", "recreate"])
        lines.append("    deploy:")
        lines.append("      strategy: \(strategy)")
        switch strategy {
        case "rolling":
            maybe(
                "      rolling: {maxSurge: \(pick(["1", "25%", "12.5%"])), maxUnavailable: \(pick(["0", "2", "50%"]))}")
        case "blueGreen": maybe("      blueGreen: {keep: \(duration(0...604_800_000))}")
        case "canary":
            let steps = (1...number(2...5)).map { "{weight: \($0 * 9).\(number(0...9))%, for: \(number(1...99))m}" }
            lines.append("      steps: [\(steps.joined(separator: ", ")), {approve: \(pick(["ops", "a.b@c"]))}]")
            maybe(
                "      canary: {sticky: {\(pick(["cookie: s", "header: X-User", "address: true"]))}, mirror: 0.5%, "
                    + "force: {\(pick(["header: x-r", "cookie: r", "header: h, cookie: c"]))}}")
        default: break
        }
        if number(0...1) == 0 {
            let compared = strategy == "recreate" ? "" : ", comparedToStable: {errorRate: 2x, p95: 1.5x}"
            lines.append(
                "      analysis: {maxErrorRate: \(pick(["0%", "1.25%"])), maxLatency: {p99.9: 1s, p50: 20ms}\(compared), "
                    + "minRequests: \(number(1...99)), failureLimit: \(number(0...3)), probeRequests: {rate: 500/s}}")
            maybe("      watch: \(number(1...99))m")
        }
        maybe("      onFailure: \(pick(["rollback", "freeze"]))")
        maybe("      progressDeadline: \(duration(1_000...86_400_000))")
        maybe("      maxCrashes: \(number(1...100))")
        maybe("      history: {keep: \(number(2...1000)), maxAge: 30d, maxSize: 3GiB}")
        maybe(
            "      gates: {before: [{name: t, run: [make, \(text())], required: \(pick(["true", "false"]))}], "
                + "after: [\(pick(["health", "cache, headers", "backups"]))]}")
    }

    func writeNotifications() {
        guard number(0...1) == 0 else { return }
        lines.append("notifications:")
        lines.append("  channels:")
        lines.append("    a: {slack: \(pick(["\"https://x.example/y\"", "\"${env.TOKEN}\""]))}")
        lines.append("    b: {email: {to: [a@b.example, c@d.example], smtp: \"smtp://\(pick(["h", "u:p@h:587"]))\"}}")
        lines.append("    c: {pagerduty: \(pick(["k", "{key: k, url: \"https://eu.example\"}"]))}")
        lines.append("    d: {webhook: \(pick(["\"http://h\"", "{url: \"http://h\", secret: s}"]))}")
        lines.append("  critical: {to: [a, b], after: \(duration(0...86_400_000))}")
        lines.append("  \(pick(["warning", "deploys"])): {to: [d]}")
        lines.append("  fallback: c")
    }

    func writeEnvironments() {
        guard number(0...1) == 0 else { return }
        lines.append("environments:")
        lines.append("  staging: {promotesTo: production}")
        lines.append("  production: \(pick(["{}", "{requires: {approvals: [ops, \"a@b.example\"]}}"]))")
    }
}
