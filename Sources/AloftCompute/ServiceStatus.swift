import AloftModel
import AloftSystem

/// One service as it is now.
package struct ServiceStatus: Sendable, Hashable, Codable {
    package var name: String
    /// The release that the service runs; another may be on its way.
    package var release: Int
    /// Replicas that should run, of all sets.
    package var desired: Int
    /// Replicas in rotation.
    package var ready: Int
    package var minAvailable: Int
    /// True while replicas of an older configuration are being replaced or a restart is under way.
    package var updating: Bool
    /// By index, then generation; two of one index while one replaces the other.
    package var replicas: [ReplicaStatus]
    /// The primary first, then by release.
    package var sets: [ReplicaSetStatus]
}

/// The replicas of one release of a service as they are now.
package struct ReplicaSetStatus: Sendable, Hashable, Codable {
    package var release: Int
    /// What the service runs.
    package var isPrimary: Bool
    package var desired: Int
    /// Replicas in rotation.
    package var ready: Int
    /// It was told to go; it is listed until its last process has ended.
    package var isLeaving: Bool
    /// It is sent requests, so that its replicas count for `minAvailable`.
    package var isInRotation: Bool
    /// Replicas that have a process, those that start and those that drain among them.
    package var replicas: [ReplicaStatus]
    /// Indexes that should have a process and have none: backing off, failed or finished.
    package var waiting: [ReplicaStatus]
    /// Replicas that were found when the daemon began and were not asked yet: believed to be as ready as they were.
    package var adopting = 0
    /// How often a replica of it that had been ready has ended by itself, since this daemon knows the set.
    package var crashes = 0

    /// Of the replica that tried most often: processes in a row that ended by themselves before they were ready.
    package var failedStarts: Int { (replicas + waiting).map(\.failedStarts).max() ?? 0 }
    /// A replica that failed before it was ready is not started again, as its restart policy says.
    package var isStuck: Bool {
        waiting.contains { $0.state == .exited && $0.failedStarts > 0 && $0.lastExit?.cause != .code(0) }
    }
    /// Replicas that ended with exit code 0 and are not started again: nothing is to be waited for.
    package var done: Int { waiting.count { $0.state == .done } }
}

/// What one replica is doing.
package enum ReplicaState: String, Sendable, Hashable, Codable, CaseIterable {
    /// The process is being made.
    case starting
    /// The process runs; its startup probe has not passed yet.
    case startup
    /// The process runs and has not been ready yet.
    case probing
    /// In rotation.
    case ready
    /// Was ready; its readiness probe fails now.
    case unready
    /// Out of rotation, its last requests are ending.
    case draining
    /// Was told to end and has not ended yet.
    case stopping
    /// Ended, and waits for its next start.
    case backingOff
    /// Ended with exit code 0, and its restart policy says that it stays so: it has done what it was there for.
    case done
    /// Ended otherwise, and its restart policy says that it stays so.
    case exited
    /// Could not be started; `reason` says why. Tried again at `nextStart` where there is one.
    case failed
}

/// One replica as it is now: everything somebody wants to know when it does not work.
package struct ReplicaStatus: Sendable, Hashable, Codable {
    package var id: ReplicaID
    /// The release that it runs.
    package var release: Int
    package var state: ReplicaState
    /// Why it is in this state, one line; nil where the state says it all.
    package var reason: String?
    /// When it got into this state.
    package var since: Timestamp
    package var pid: Int32?
    package var address: ReplicaAddress?
    /// When its process was started.
    package var started: Timestamp?
    /// True for a process that an earlier daemon started.
    package var adopted: Bool
    /// False for one that still runs an older configuration and is to be replaced.
    package var current: Bool
    /// Starts after the first one of this index, since this daemon started.
    package var restarts: Int
    package var lastExit: LastExit?
    package var probes: [ProbeStatus]
    /// When the next start is due, for a replica that is backing off or failed.
    package var nextStart: Timestamp?
    package var usage: ReplicaUsage?
    /// Who holds the replica to its limits.
    package var enforcement: Enforcement
    /// What it printed last that may say why it is not ready; oldest first, at most `mostLines`.
    package var lastLines: [String]
    /// Processes of it in a row that ended by themselves before they were ready, or could not be made.
    package var failedStarts = 0

    package static let mostLines = 10
}

/// How the process before this one ended.
package struct LastExit: Sendable, Hashable, Codable {
    package enum Cause: Sendable, Hashable, Codable {
        case code(Int32)
        /// A signal by number: 9 is SIGKILL.
        case signal(Int32)
        /// The kernel killed it at its memory limit.
        case outOfMemory(limit: ByteSize?)
        /// It was never started; the text says why.
        case notStarted(String)
        /// It was started by an earlier daemon, so that the system does not tell this one.
        case unknown
    }

    package var cause: Cause
    package var time: Timestamp
    /// True where Aloft asked it to end.
    package var asked: Bool
    /// Last lines it printed, oldest first, at most 10.
    package var lastLines: [String]
    /// The probe for which Aloft ended it: `liveness probe failed: HTTP 500`; nil where it ended by itself.
    package var condemnation: String?

    /// `exit code 3`, `liveness probe failed: HTTP 500; ended by Aloft: exit code 0`.
    package var summary: String { condemnation.map { "\($0); ended by Aloft: \(cause)" } ?? "\(cause)" }
}

extension LastExit.Cause: CustomStringConvertible {
    /// `exit code 3`, `killed by SIGSEGV`, `out of memory: killed at limit 256MiB`.
    package var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let number): "killed by \(signalName(number))"
        case .outOfMemory(.some(let limit)): "out of memory: killed at limit \(limit)"
        case .outOfMemory(nil): "out of memory: killed by the kernel"
        case .notStarted(let reason): reason
        case .unknown: "ended (exit code unknown: an earlier daemon had started it)"
        }
    }
}

package enum ProbeKind: String, Sendable, Hashable, Codable, CaseIterable {
    case startup, readiness, liveness
}

/// What one probe said last.
package struct ProbeStatus: Sendable, Hashable, Codable {
    package var kind: ProbeKind
    /// Nil before the first answer.
    package var passed: Bool?
    /// `HTTP 503: "warming up"`, `connection refused`, `timed out after 1s`.
    package var text: String
    package var time: Timestamp?
    /// Answers in a row with this result.
    package var streak: Int
}

/// Measured when somebody asks, over the whole process group or cgroup.
package struct ReplicaUsage: Sendable, Hashable, Codable {
    /// Processor time since the replica started, in nanoseconds.
    package var cpuNanoseconds: Int64
    /// Cores used on average over the last second or more between two questions; nil before there were two.
    package var cores: Double?
    /// Memory that cannot be taken back for free, in bytes.
    package var memoryBytes: Int64
    package var processes: Int
}
