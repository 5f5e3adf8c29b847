import AloftModel

/// `GET /health`: can the application be used, and if not, which part of it.
package struct HealthReport: Sendable, Hashable, Codable {
    package enum State: String, Sendable, Hashable, Codable {
        case ok
        /// It answers, with fewer replicas than there should be or with little room left.
        case degraded
        case down
    }

    package struct Application: Sendable, Hashable, Codable {
        package var name: String
        package var state: State
        package var uptimeSeconds: Int
    }

    /// The machine, as far as it can stop the application.
    package struct System: Sendable, Hashable, Codable {
        package var state: State
        /// One line for each thing that is short.
        package var problems: [String]
        package var diskFreeBytes: Int?
        package var openFiles: Int?
        package var openFileLimit: Int?

        package init(diskFreeBytes: Int?, diskTotalBytes: Int?, openFiles: Int?, openFileLimit: Int?) {
            var problems: [String] = []
            if let free = diskFreeBytes, let total = diskTotalBytes, free < min(total / 20, 1 << 30) {
                problems.append("the state directory's disk has \(free >> 20) MiB left")
            }
            if let open = openFiles, let limit = openFileLimit, open * 10 > limit * 9 {
                problems.append("\(open) of \(limit) files are open")
            }
            state = problems.isEmpty ? .ok : .degraded
            self.problems = problems
            self.diskFreeBytes = diskFreeBytes
            self.openFiles = openFiles
            self.openFileLimit = openFileLimit
        }
    }

    package struct Service: Sendable, Hashable, Codable {
        package var name: String
        package var state: State
        package var desired: Int
        package var ready: Int
        package var replicas: [Replica]
    }

    package struct Replica: Sendable, Hashable, Codable {
        package var name: String
        package var state: String
        package var inRotation: Bool
        package var reason: String?
    }

    /// The worst of all; `down` is answered with 503.
    package var state: State
    package var application: Application
    package var system: System
    package var services: [Service]

    package init(_ status: StatusReport, system: System) {
        services = status.services.map(Self.service)
        self.system = system
        var application = State.ok
        if services.contains(where: { $0.state == .down }) || status.state == .stopping {
            application = .down
        } else if services.contains(where: { $0.state == .degraded }) || status.state == .starting {
            application = .degraded
        }
        self.application = Application(
            name: status.app, state: application,
            uptimeSeconds: Int((status.now - status.startedAt).components.seconds))
        state = application == .ok ? system.state : application
    }

    /// Down with nothing in rotation, or with less than `minAvailable`.
    private static func service(_ report: ServiceReport) -> Service {
        // One that has done its work is not missed.
        let good = report.ready + report.done
        let least = report.desired == 0 ? 0 : max(1, min(report.minAvailable, report.desired))
        let state: State = good < least ? .down : good < report.desired ? .degraded : .ok
        return Service(
            name: report.name, state: state, desired: report.desired, ready: report.ready,
            replicas: report.replicas.map {
                Replica(name: $0.name, state: $0.state, inRotation: $0.inRotation, reason: $0.reason)
            })
    }
}
