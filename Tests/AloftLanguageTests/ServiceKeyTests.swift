import AloftModel
import Testing

@testable import AloftLanguage

@Suite("What a service can say, in the plan")
struct ServiceKeyTests {
    private func plan(_ services: String, _ more: String = "") throws -> Plan {
        let reading = read("version: 1\nservices:\n\(services)\n\(more)\n")
        return try #require(reading.plan, "\(reading.diagnostics.map(\.message))")
    }

    @Test("workers have no route by themselves, nothing to drain, and the one other service is answered")
    func workers() throws {
        let plan = try plan("  web: {command: [./web]}\n  mailer: {command: [./mailer], listen: none}")
        #expect(plan.services.map(\.isRouted) == [true, false])
        #expect(plan.services.map(\.stop.drain) == [.seconds(30), .zero])
        #expect(plan.edge.routes.count == 1)
        #expect(try self.plan("  mailer: {command: [./mailer], listen: none}").edge.routes.isEmpty)
    }

    @Test("a service knows whether a route of the file, and of the environment that was chosen, leads to it")
    func routed() throws {
        let services = "  web: {command: [./web]}\n  api: {command: [./api]}"
        let plan = try plan(services, "edge: {routes: [{service: api}]}")
        #expect(plan.services.map(\.isRouted) == [false, true])
    }

    @Test("what a worker leaves open is said in a worker's words")
    func gaps() throws {
        let plan = try plan(
            "  mailer: {command: [mailer], listen: none, deploy: {strategy: recreate}}\n  plain: {command: [plain]}")
        let gaps = Language.gaps(of: plan, files: FileFacts { _ in true })
        let worker = gaps.filter { $0.path.contains("mailer") || $0.sentence.contains("mailer") }
        #expect(!worker.contains { $0.sentence.contains("nobody answers") || $0.path == "edge.routes" }, "\(worker)")
        #expect(worker.contains { $0.remedy == "probes: {liveness: {exec: [./check]}}" })
        #expect(worker.contains { $0.sentence.contains("no job is worked on meanwhile") })
    }

    @Test("a volume that is not there is a gap")
    func volumes() throws {
        let plan = try plan("  web: {image: x, volumes: [{path: /data, from: ./data}]}")
        let missing = Language.gaps(of: plan, files: FileFacts { !$0.hasSuffix("/data") })
        #expect(missing.contains { $0.sentence == "services.web has a volume that does not exist: /app/data" })
        #expect(!Language.gaps(of: plan, files: FileFacts { _ in true }).contains { $0.path.hasSuffix("volumes") })
    }

    @Test("a release command's variables are laid over the service's")
    func releaseEnvironment() throws {
        let plan = try plan(
            "  web: {command: [./web], env: {A: \"1\", B: \"2\"}, release: {command: [./m], env: {B: \"3\", C: \"4\"}}}"
        )
        let service = plan.services[0]
        let laid = try #require(service.release).applied(to: service).environment
        #expect(laid.map { "\($0.name)=\($0.value)" } == ["A=1", "B=3", "C=4"])
        #expect(service.environment.count == 2)
    }
}
