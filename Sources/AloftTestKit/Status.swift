import Foundation

/// What the tests read of `aloft status --json`; the whole of it is described in docs/reference/api.md.
package struct Status: Sendable, Decodable {
    package struct Service: Sendable, Decodable {
        package var name: String
        package var desired: Int
        package var ready: Int
        package var replicas: [Replica]
        package var scaling: Scaling?
        /// The release that is current.
        package var release: Int?
        /// The rollout under way, or the last one where it was frozen.
        package var rollout: Rollout?
    }

    /// Also each line of `aloft deploy --json`.
    package struct Rollout: Sendable, Decodable {
        /// Both releases over one interval of the analysis.
        package struct Interval: Sendable, Decodable {
            package var canaryRequests: Int
            /// 0 to 1; nil without requests.
            package var canaryErrors: Double?
            package var stableRequests: Int
            package var stableErrors: Double?
        }

        package var release: Int
        package var stable: Int?
        package var strategy: String
        package var phase: String
        package var step: Int
        /// Percent of the requests that the new release gets.
        package var weight: Double
        package var message: String
        package var isPaused: Bool
        package var intervals: [Interval]
        package var verdict: String?
        package var approvals: [String]
        /// `succeeded rolledBack frozen aborted failed superseded`; nil while it is under way.
        package var outcome: String?
    }

    package struct Scaling: Sendable, Decodable {
        package struct Metric: Sendable, Decodable {
            package var name: String
            package var current: String?
            package var target: String
        }

        package var reason: String
        package var metrics: [Metric]
        package var history: [Int]
    }

    package struct Probe: Sendable, Decodable {
        package var kind: String
        package var passed: Bool?
        package var answer: String
    }

    package struct Replica: Sendable, Decodable {
        package var name: String
        package var generation: Int
        /// Number of the release that it runs.
        package var release: Int
        package var state: String
        package var pid: Int32?
        package var address: String?
        package var restarts: Int
        package var limits: String?
        package var inRotation: Bool
        package var adopted: Bool
        package var reason: String?
        package var lastExit: String?
        package var probes: [Probe]
        package var lastLines: [String]

        /// What the first failing probe was answered.
        package var probe: String? { probes.first { $0.passed == false }?.answer }

        /// `web` of `web-2`.
        package var service: String { String(name[..<(name.lastIndex(of: "-") ?? name.endIndex)]) }
    }

    package var app: String
    package var digest: String
    package var pid: Int32
    package var state: String
    package var urls: [String]
    package var admin: String?
    package var services: [Service]

    package init(json: String) throws {
        do {
            self = try JSONDecoder().decode(Status.self, from: Data(json.utf8))
        } catch {
            throw KitError.malformed("status: \(error) in \(json.prefix(500))")
        }
    }

    package var replicas: [Replica] { services.flatMap(\.replicas) }

    package subscript(replica name: String) -> Replica? { replicas.first { $0.name == name } }

    /// Where the edge answers: the port of its listener number `index`.
    package func port(_ index: Int = 0) throws -> Int {
        guard urls.indices.contains(index), let port = URL(string: urls[index])?.port else {
            throw KitError.missing("no listener \(index) in \(urls)")
        }
        return port
    }

    /// The same as a target to connect to.
    package func edge(_ index: Int = 0) throws -> RawConnection.Target { .port(try port(index)) }

    /// Where metrics and health answer.
    package var adminPort: Int? { admin.flatMap { URL(string: $0)?.port ?? Int($0.split(separator: ":").last ?? "") } }
}
