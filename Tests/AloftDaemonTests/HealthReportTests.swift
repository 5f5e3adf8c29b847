import AloftModel
import Testing

@testable import AloftDaemon

@Suite("Health")
struct HealthReportTests {
    private let room = HealthReport.System(
        diskFreeBytes: 10 << 30, diskTotalBytes: 20 << 30, openFiles: 10, openFileLimit: 1000)

    private func health(
        desired: Int, ready: Int, minAvailable: Int = 1, state: StatusReport.State = .running,
        system: HealthReport.System? = nil
    ) -> HealthReport {
        let time = Timestamp(nanoseconds: 0)
        let service = ServiceReport(
            name: "web", desired: desired, ready: ready, minReplicas: 1, maxReplicas: 9, minAvailable: minAvailable,
            listen: "port", replicas: [])
        let status = StatusReport(
            app: "a", file: "/f", digest: "d", version: "1", pid: 1, state: state, startedAt: time,
            now: time + .seconds(90), urls: [],
            edge: EdgeReport(openConnections: 0, activeRequests: 0, requests: 0, failures: 0), services: [service])
        return HealthReport(status, system: system ?? room)
    }

    @Test("all replicas in rotation is ok")
    func allReady() {
        let health = health(desired: 3, ready: 3)
        #expect(health.state == .ok)
        #expect(health.application.uptimeSeconds == 90)
    }

    @Test("one missing is degraded, and still answers")
    func oneMissing() {
        #expect(health(desired: 3, ready: 2).state == .degraded)
    }

    @Test("none in rotation, or fewer than minAvailable, is down")
    func down() {
        #expect(health(desired: 3, ready: 0, minAvailable: 0).state == .down)
        #expect(health(desired: 3, ready: 1, minAvailable: 2).state == .down)
    }

    @Test("a service that was scaled to nothing is ok")
    func nothingWanted() {
        #expect(health(desired: 0, ready: 0).state == .ok)
    }

    @Test("a daemon that stops is down, so that a balancer in front turns away")
    func stopping() {
        #expect(health(desired: 3, ready: 3, state: .stopping).state == .down)
    }

    @Test("little room on the disk or few files left is degraded and says so")
    func littleRoom() {
        let tight = HealthReport.System(
            diskFreeBytes: 100 << 20, diskTotalBytes: 20 << 30, openFiles: 950, openFileLimit: 1000)
        #expect(tight.problems.count == 2)
        #expect(health(desired: 1, ready: 1, system: tight).state == .degraded)
    }

    @Test("figures that could not be read are no problem")
    func unknown() {
        let unknown = HealthReport.System(
            diskFreeBytes: nil, diskTotalBytes: nil, openFiles: nil, openFileLimit: nil)
        #expect(unknown.state == .ok)
    }
}
