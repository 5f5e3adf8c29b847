import AloftTestKit
import Testing

/// Everything that runs the real binary, one test at a time: they measure, and two of them would disturb each other.
@Suite("Scenarios", .serialized, .timeLimit(.minutes(3)))
enum Scenarios {}

/// One `aloft.yaml` in the making.
struct AppFile {
    /// Port of the one plain listener.
    let port: Int
    /// Below `services:`.
    var services: String
    var routes = "[{match: {path: /*}, service: web}]"
    /// Further keys of the listener, with a comma before them.
    var listenerKeys = ""
    var admin = "off"
    /// Further keys of `edge`.
    var edge = ""
    /// Further sections of the file.
    var more = "logs: {access: off}"

    init(_ services: String) throws {
        port = try Machine.freePort()
        self.services = services
    }

    /// One service `web` that runs an app of the folder `Apps`; ready as soon as something listens.
    ///
    /// - Parameter extra: further keys of the service, each on a line of its own.
    init(
        app: String, python: String = "python3", replicas: Int = 1, probes: String = Self.listening, extra: String = ""
    ) throws {
        try self.init(
            Self.service(app: app, python: python, replicas: replicas, probes: probes, extra: extra))
    }

    static let listening = "{readiness: {tcpSocket: true, period: 100ms, timeout: 1s, failureThreshold: 3}}"
    static let answering = "{readiness: {httpGet: /health, period: 200ms, timeout: 2s, failureThreshold: 3}}"

    static func service(
        _ name: String = "web", app: String, python: String = "python3", replicas: Int = 1, probes: String = listening,
        extra: String = ""
    ) -> String {
        """
          \(name):
            command: [\(python), \(apps)/\(app).py]
            replicas: \(replicas)
            probes: \(probes)
            restart: {backoff: {initial: 100ms, max: 2s, resetAfter: 1m}}
            stop: {drain: 2s, grace: 2s}
        \(extra.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
        """
    }

    static let apps = Checkout.root + "/Tests/ScenarioTests/Apps"

    var text: String {
        """
        version: 1
        app: scenario
        services:
        \(services)
        edge:
          listeners: [{address: "127.0.0.1:\(port)"\(listenerKeys)}]
          admin: \(admin)
        \(edge.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
          routes: \(routes)
        \(more)
        """
    }

    var target: RawConnection.Target { .port(port) }

    /// Starts Aloft with this file in a folder of its own.
    func start(
        _ fixture: Fixture, wrapper: [String] = [], environment: [String: String] = [:]
    ) throws -> Aloft {
        try Aloft.start(
            in: try fixture.directory(), file: text, wrapper: wrapper, environment: environment, fixture: fixture)
    }
}
