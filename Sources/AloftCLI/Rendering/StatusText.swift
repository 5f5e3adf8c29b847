import AloftDaemon
import AloftModel

/// `aloft status` for people.
package struct StatusText {
    /// Columns of the sparkline of replicas over time.
    static let historyWidth = 40

    /// Columns that tables keep to unless all are asked for.
    static let width = 80

    private let palette: Palette
    private let isWide: Bool
    private let rollouts: RolloutText

    /// - Parameters:
    ///   - typed: the options that name the daemon, which commands that are proposed repeat.
    ///   - isWide: every column, however many that makes.
    package init(palette: Palette, typed: String = "", isWide: Bool = false) {
        self.palette = palette
        self.isWide = isWide
        rollouts = RolloutText(palette: palette, typed: typed)
    }

    package func render(_ report: StatusReport) -> String {
        heading(report) + "\n" + services(report) + "\n" + replicas(report)
    }

    private func heading(_ report: StatusReport) -> String {
        var title = palette(.bold, report.app)
        if let environment = report.environment { title += " (\(environment))" }
        if let region = report.region { title += " in \(region)" }
        let tone: Palette.Tone = report.state == .running ? .green : .yellow
        title += "  " + palette(tone, report.state.rawValue) + ", up \((report.now - report.startedAt).brief)"
        title += palette(.dim, "  pid \(report.pid), aloft \(report.version)")
        var lines = [title]
        for url in report.urls { lines.append("  " + palette(.cyan, url)) }
        if let admin = report.admin { lines.append("  " + palette(.dim, "\(admin)  metrics, health")) }
        lines.append("  " + palette(.dim, "\(report.file)  plan \(report.digest)"))
        let edge = report.edge
        lines.append(
            "  " + "\(Amount.count(edge.requests)) requests, \(Amount.count(edge.failures)) failed, "
                + "\(Amount.count(edge.activeRequests)) under way, \(Amount.count(edge.openConnections)) connections")
        lines += (report.channels ?? []).filter { $0.state != "working" }.map { "  " + trouble(of: $0) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A channel through which nobody hears anything.
    private func trouble(of channel: ChannelReport) -> String {
        let notices = channel.waiting == 1 ? "1 notice waits" : "\(channel.waiting) notices wait"
        let why = channel.failure.map { ": \(Palette.printable($0))" } ?? ""
        return palette(.yellow, "notifications by \(channel.name) \(channel.state)\(why); \(notices)")
    }

    private func services(_ report: StatusReport) -> String {
        var header = ["SERVICE", "READY", "RELEASE", "BOUNDS", "REQ/S", "ERRORS", "P95"]
        if isWide { header.append("LISTEN") }
        var table = Table(header, spare: ["BOUNDS"])
        for service in report.services {
            let good = service.ready + service.done
            let tone: Palette.Tone = good >= service.desired ? .green : good == 0 ? .red : .yellow
            let done = service.done > 0 ? ", \(service.done) done" : ""
            let bounds =
                service.minReplicas == service.maxReplicas ? "fixed" : "\(service.minReplicas)-\(service.maxReplicas)"
            let traffic = service.traffic
            var cells: [Table.Cell] = [
                .init(service.name), .init("\(service.ready)/\(service.desired)\(done)", tone),
                .init(service.release.map(String.init) ?? "-"), .init(bounds),
                .init(traffic.map { Amount.rate($0.requestsPerSecond) } ?? "-"),
                .init(traffic?.errorShare.map(Amount.share) ?? "-", (traffic?.errorShare ?? 0) > 0 ? .red : nil),
                .init(traffic?.p95.map(Amount.latency) ?? "-"),
            ]
            if isWide { cells.append(.init(service.listen)) }
            table.add(cells)
            addNotes(of: service, to: &table)
        }
        return table.render(palette, width: isWide ? .max : Self.width)
    }

    /// Its rollout, what holds it, and why it has as many replicas as it has.
    private func addNotes(of service: ServiceReport, to table: inout Table) {
        if let rollout = service.rollout, rollout.phase == "keeping" {
            table.addNote(Palette.printable(rollout.message), .dim)
        } else if let rollout = service.rollout, rollout.outcome != .succeeded {
            table.addNote(rollouts.brief(rollout), rollouts.tone(of: rollout))
            if let verdict = rollout.verdict, !rollout.message.contains(verdict) {
                table.addNote("verdict " + Palette.printable(verdict))
            }
            if let next = rollouts.next(rollout) { table.addNote("next: \(next)", .cyan) }
        }
        for sentence in service.unenforced ?? [] { table.addNote(Palette.printable(sentence), .yellow) }
        if let waited = service.waitsFor { table.addNote(Self.pending(waited), .yellow) }
        if let set = service.set {
            let names = Palette.printable(set.map { "env.\($0)" }.joined(separator: ", "))
            table.addNote("set by `aloft deploy`, over the file: \(names)", .dim)
        }
        guard let scaling = service.scaling else { return }
        let history = Sparkline.peaks(of: scaling.history, width: Self.historyWidth)
        let reason = Palette.printable(scaling.reason)
        table.addNote(history.isEmpty ? "replicas " + reason : "replicas \(history) " + reason)
        let metrics = scaling.metrics.map { "\($0.name) \($0.current ?? "missing") of \($0.target)" }
        if !metrics.isEmpty { table.addNote(Palette.printable(metrics.joined(separator: ", ")), .dim) }
    }

    /// `the next release waits for its image …`; other sentences stand by themselves.
    static func pending(_ waited: String) -> String {
        (waited.hasPrefix("waits ") ? "the next release " : "") + Palette.printable(waited)
    }

    /// With the release of each where a service runs two of them.
    private func replicas(_ report: StatusReport) -> String {
        let hasTwo = report.services.contains { Set($0.replicas.map(\.release)).count > 1 }
        var header = ["REPLICA", "STATE", "FOR", "PID", "CPU", "MEMORY"]
        header += ["RESTARTS", "REQUESTS", "ACTIVE"]
        if isWide { header.append("LIMITS") }
        if hasTwo { header.insert("RELEASE", at: 1) }
        let hasRestarts = report.services.contains { $0.replicas.contains { $0.restarts > 0 } }
        var table = Table(header, spare: (hasRestarts ? [] : ["RESTARTS"]) + ["ACTIVE", "REQUESTS", "PID", "CPU"])
        for replica in report.services.flatMap(\.replicas) {
            var cells: [Table.Cell] = [
                .init(replica.name), .init(replica.state, tone(of: replica)),
                .init((report.now - replica.since).brief), .init(replica.pid.map(String.init) ?? "-"),
                .init(replica.cpu.map(Amount.percent) ?? "-"), .init(replica.memory.map(Amount.bytes) ?? "-"),
                .init("\(replica.restarts)", replica.restarts > 0 ? .yellow : nil),
                .init(replica.requests.map(Amount.count) ?? "-"),
                .init(replica.activeRequests.map(Amount.count) ?? "-"),
            ]
            if isWide { cells.append(.init(limits(of: replica))) }
            if hasTwo { cells.insert(.init(replica.release == 0 ? "-" : "\(replica.release)"), at: 1) }
            table.add(cells)
            addNotes(of: replica, in: report, to: &table)
        }
        return table.render(palette, width: isWide ? .max : Self.width)
    }

    /// What somebody needs who asks why a replica is not ready.
    private func addNotes(of replica: ReplicaReport, in report: StatusReport, to table: inout Table) {
        if !replica.current { table.addNote("runs an older configuration; it is being replaced", .dim) }
        guard !replica.inRotation else { return }
        if let reason = replica.reason { table.addNote(Palette.printable(reason), .yellow) }
        let reason = replica.reason ?? ""
        if let exit = replica.lastExit, !reason.contains(exit) {
            table.addNote("last process: " + Palette.printable(exit), .yellow)
        }
        if let next = replica.nextStart { table.addNote("starts again in \((next - report.now).brief)", .dim) }
        for probe in replica.probes where probe.passed == false && !reason.contains(probe.answer) {
            table.addNote("\(probe.kind) probe: \(Palette.printable(probe.answer)), \(probe.streak) in a row", .yellow)
        }
        for line in replica.lastLines { table.addNote("| " + RecordText.said(line), .dim) }
    }

    private func tone(of replica: ReplicaReport) -> Palette.Tone {
        switch replica.state {
        case "ready", "done": .green
        case "failed", "exited", "backingOff", "unready": .red
        default: .yellow
        }
    }

    private func limits(of replica: ReplicaReport) -> String {
        switch replica.limits {
        case "cgroup2": "cgroup v2"
        case "cgroup1": "cgroup v1"
        case "none": "-"
        default: replica.limits
        }
    }
}
