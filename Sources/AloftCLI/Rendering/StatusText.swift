import AloftDaemon
import AloftModel

/// `aloft status` for people.
package struct StatusText {
    private let palette: Palette

    package init(palette: Palette) { self.palette = palette }

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
        return lines.joined(separator: "\n") + "\n"
    }

    private func services(_ report: StatusReport) -> String {
        var table = Table(["SERVICE", "READY", "BOUNDS", "LISTEN"])
        for service in report.services {
            let tone: Palette.Tone = service.ready >= service.desired ? .green : service.ready == 0 ? .red : .yellow
            let bounds =
                service.minReplicas == service.maxReplicas ? "fixed" : "\(service.minReplicas)-\(service.maxReplicas)"
            table.add([
                .init(service.name), .init("\(service.ready)/\(service.desired)", tone), .init(bounds),
                .init(service.listen),
            ])
        }
        return table.render(palette)
    }

    private func replicas(_ report: StatusReport) -> String {
        var table = Table([
            "REPLICA", "STATE", "FOR", "PID", "CPU", "MEMORY", "RESTARTS", "REQUESTS", "UNDER WAY", "LIMITS",
        ])
        for replica in report.services.flatMap(\.replicas) {
            table.add([
                .init(replica.name), .init(replica.state, tone(of: replica)),
                .init((report.now - replica.since).brief), .init(replica.pid.map(String.init) ?? "-"),
                .init(replica.cpu.map(Amount.percent) ?? "-"), .init(replica.memory.map(Amount.bytes) ?? "-"),
                .init("\(replica.restarts)", replica.restarts > 0 ? .yellow : nil),
                .init(replica.requests.map(Amount.count) ?? "-"),
                .init(replica.activeRequests.map(Amount.count) ?? "-"), .init(limits(of: replica)),
            ])
            addNotes(of: replica, in: report, to: &table)
        }
        return table.render(palette)
    }

    /// What somebody needs who asks why a replica is not ready.
    private func addNotes(of replica: ReplicaReport, in report: StatusReport, to table: inout Table) {
        if !replica.current { table.addNote("runs an older configuration; it is being replaced", .dim) }
        guard !replica.inRotation else { return }
        if let reason = replica.reason { table.addNote(Palette.printable(reason), .yellow) }
        if let exit = replica.lastExit { table.addNote("last process: " + Palette.printable(exit), .yellow) }
        if let next = replica.nextStart { table.addNote("starts again in \((next - report.now).brief)", .dim) }
        for probe in replica.probes where probe.passed == false {
            table.addNote("\(probe.kind) probe: \(Palette.printable(probe.answer)), \(probe.streak) in a row", .yellow)
        }
        for line in replica.lastLines { table.addNote("| " + Palette.printable(line), .dim) }
    }

    private func tone(of replica: ReplicaReport) -> Palette.Tone {
        switch replica.state {
        case "ready": .green
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
