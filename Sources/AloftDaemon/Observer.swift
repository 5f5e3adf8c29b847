import AloftCompute
import AloftEdge
import AloftJobs
import AloftLanguage
import AloftMetrics
import AloftModel
import AloftNotifications
import AloftRollout
import AloftScaling
import AloftSystem

/// Answers what people and scrapers ask, from what the parts say at that moment.
struct Observer: Sendable {
    let file: String
    let startedAt: Timestamp
    let present: Present
    let edge: Edge
    let compute: Compute
    let scaler: Scaler
    let rollouts: Rollouts
    let desk: PromotionDesk
    let notifier: Notifier
    let jobs: Jobs
    let stores: Stores
    let hub: EventHub
    let traffic: TrafficWindow

    func status() async -> StatusReport { await observe().status }

    func plan() -> PlanReport {
        let facts = present.facts
        return PlanReport(
            file: file, environment: facts.running.plan.environment, digest: facts.running.digest,
            effective: facts.running.effective, gaps: Language.gaps(of: facts.running.plan))
    }

    /// Keeps what the edge has counted, for statuses of the next minute.
    func sampleTraffic() async {
        traffic.keep(ServiceTraffic.totals(await edge.statistics(), present.facts.running.plan.edge.routes), at: .now)
    }

    func health() async -> HealthReport {
        let status = await observe().status
        let directory = stores.paths.directory
        let disk = reading { () throws(SystemError) in try OwnProcess.diskSpace(at: directory) }
        let files = reading { () throws(SystemError) in try Directories.names(in: "/proc/self/fd").count }
        let limit = reading { () throws(SystemError) in try OwnProcess.openFileLimit() }
        return HealthReport(
            status,
            system: .init(
                diskFreeBytes: disk?.free, diskTotalBytes: disk?.total, openFiles: files, openFileLimit: limit))
    }

    func families() async -> [MetricFamily] {
        let (status, statistics) = await observe()
        let facts = present.facts
        let own = DaemonFamilies(
            status: status, certificates: facts.certificates, logs: stores.logs.statistics(),
            spool: stores.spool.statistics(), lostEvents: hub.lost, reloads: facts.reloads)
        return own.families + JobFamilies(jobs: await jobs.status()).families + EdgeFamilies(statistics).families
            + ProcessMetrics.families()
    }

    private func observe() async -> (status: StatusReport, edge: EdgeStatistics) {
        async let services = compute.status()
        let statistics = await edge.statistics()
        let facts = present.facts
        let builder = StatusBuilder(
            plan: facts.running.plan, file: file, digest: facts.running.digest, pid: Int(OwnProcess.pid),
            state: facts.state, startedAt: startedAt, urls: facts.urls, admin: facts.admin)
        var report = builder.report(services: await services, edge: statistics, now: .now)
        let totals = ServiceTraffic.totals(statistics, facts.running.plan.edge.routes)
        let rates = traffic.rates(totals, now: report.now, start: startedAt)
        for index in report.services.indices {
            let name = report.services[index].name
            report.services[index].traffic = rates[name]
            report.services[index].waitsFor = await waiting(name, facts)
            report.services[index].scaling = await scaler.status(name).map(ScalingReport.init)
            await addReleases(to: &report.services[index])
        }
        report.channels = await notifier.status().map { ChannelReport($0) }
        return (report, statistics)
    }

    /// What the next release waits for: its image, or people who let it come from another environment.
    private func waiting(_ service: String, _ facts: Present.Facts) async -> String? {
        if let image = facts.waiting[service] { return image }
        do {
            return try await desk.pending(service)?.wish(into: facts.running.plan.environment, service: service)
        } catch {
            stores.log.logger("status").warning("an approval is missing", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// The current release, and the last rollout unless all went well.
    private func addReleases(to service: inout ServiceReport) async {
        let releases: [Release]
        do {
            releases = try await rollouts.releases(of: service.name)
        } catch {
            stores.log.logger("status").warning("releases are missing", metadata: ["error": "\(error)"])
            return
        }
        let current = releases.last { $0.status == .current }
        service.release = current?.number
        if let set = current?.overrides.environment.keys, !set.isEmpty { service.set = set.sorted() }
        guard let progress = await rollouts.status(service.name), progress.phase != .done else { return }
        let release = releases.first { $0.number == progress.release }
        service.rollout = RolloutReport(progress, verdicts: release?.verdicts ?? [], now: .now)
    }

    /// Health is told without the figure that the system would not give; the failure is logged.
    private func reading<Value>(_ body: () throws(SystemError) -> Value) -> Value? {
        do {
            return try body()
        } catch {
            stores.log.logger("health").warning("a figure is missing", metadata: ["error": "\(error)"])
            return nil
        }
    }
}
