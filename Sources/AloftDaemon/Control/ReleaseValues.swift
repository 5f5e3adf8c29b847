import AloftModel

/// `POST /v1/services/{name}/deploy`: a new release of one service.
package struct DeployRequest: Sendable, Hashable, Codable {
    /// Absolute folder that is copied into the release; nil keeps what the current release has.
    package var artifact: String?
    /// Image reference; nil keeps what the current release or the file has.
    package var image: String?
    /// Variables of `--set env.NAME=VALUE`, on top of the file's `env`.
    package var environment: [String: String]
    /// Names of `--unset env.NAME`: set by an earlier deploy, and the file's again from now on.
    package var unset: [String]?
    /// What the caller's shell has for the names of `GET /v1/variables`; nil keeps the values there are.
    package var variables: [String: String]?
    /// Why, in the words of who deploys.
    package var message: String?
    /// Who, as the command line knows it: the name of the user that runs it.
    package var user: String

    package init(
        artifact: String? = nil, image: String? = nil, environment: [String: String] = [:], unset: [String]? = nil,
        variables: [String: String]? = nil, message: String? = nil, user: String
    ) {
        self.artifact = artifact
        self.image = image
        self.environment = environment
        self.unset = unset
        self.variables = variables
        self.message = message
        self.user = user
    }
}

/// `POST /v1/services/{name}/rollback`.
package struct RollbackRequest: Sendable, Hashable, Codable {
    /// Nil is the release before the current one.
    package var to: Int?
    /// True: also where the code of that release is not in its folder any more, with the code that is there now.
    package var configurationOnly: Bool?
    package var message: String?
    package var user: String

    package init(to: Int? = nil, configurationOnly: Bool? = nil, message: String? = nil, user: String) {
        self.to = to
        self.configurationOnly = configurationOnly
        self.message = message
        self.user = user
    }
}

/// `POST /v1/services/{name}/prune`.
package struct PruneRequest: Sendable, Hashable, Codable {
    /// Releases that stay, 2 or more; the current one and the one before always do.
    package var keep: Int

    package init(keep: Int) { self.keep = keep }
}

package struct PruneReport: Sendable, Hashable, Codable {
    package var service: String
    /// Numbers of the releases that are gone.
    package var removed: [Int]
    /// Bytes.
    package var freed: Int
    /// Bytes that are free now.
    package var free: Int
    /// What is left in the state directory: `artifacts 300MiB, logs 12MiB`.
    package var uses: String

    package init(service: String, removed: [Int], freed: Int, free: Int, uses: String) {
        self.service = service
        self.removed = removed
        self.freed = freed
        self.free = free
        self.uses = uses
    }
}

/// `POST /v1/services/{name}/rollout/{order}`: what somebody says while a rollout is under way.
package struct RolloutOrder: Sendable, Hashable, Codable {
    package enum Name: String, Sendable, Hashable, Codable, CaseIterable {
        /// Skips the steps that are left.
        case promote
        /// One of the approvals that it waits for.
        case approve
        /// Back to the release before.
        case abort
        /// Stays at the step it is at; analysis goes on.
        case pause
        case resume
    }

    package var user: String
    /// `approve`: in whose name, such as `ops`; nil where only one is waited for.
    package var approval: String?
    /// `abort`: also where a migration that can't be undone has run.
    package var force: Bool?
    /// Why, in the words of who says it; part of the event, and of the history where it is an abort.
    package var message: String?

    package init(user: String, approval: String? = nil, force: Bool? = nil, message: String? = nil) {
        self.user = user
        self.approval = approval
        self.force = force
        self.message = message
    }
}

extension RolloutOrder {
    /// Characters of a message that are kept.
    static let maxMessage = 500

    /// Nil where nothing was said.
    var shortMessage: String? { message.flatMap { $0.isEmpty ? nil : String($0.prefix(Self.maxMessage)) } }
}

/// `POST /v1/services/{name}/take`: the very release that another environment's daemon runs.
package struct TakeRequest: Sendable, Hashable, Codable {
    /// Name of that environment, such as `staging`.
    package var environment: String
    /// Its state directory, absolute.
    package var state: String
    package var message: String?
    package var user: String

    package init(environment: String, state: String, message: String? = nil, user: String) {
        self.environment = environment
        self.state = state
        self.message = message
        self.user = user
    }
}

/// One release, as `aloft history` shows it.
package struct ReleaseReport: Sendable, Hashable, Codable {
    /// What a gate or the migration printed last.
    package struct Output: Sendable, Hashable, Codable {
        /// `gate tests`, `migration`.
        package var name: String
        package var lines: [String]

        package init(name: String, lines: [String]) {
            self.name = name
            self.lines = lines
        }
    }

    package var service: String
    package var number: Int
    /// `pending rollingOut current superseded failed rolledBack`.
    package var status: String
    package var created: Timestamp
    package var by: String
    /// `deploy`, `reload`, `up`, `rollback to 4`, `promoted from staging 7`.
    package var reason: String
    package var message: String?
    package var environment: String?
    /// First twelve digits of the artifact's SHA-256.
    package var artifact: String?
    package var image: String?
    /// Where the code lay that it runs in place, links followed; nil with an artifact or image.
    package var folder: String?
    /// First twelve digits of that code's SHA-256.
    package var code: String?
    /// Names of variables set on top of the file; values are left out.
    package var set: [String]
    package var strategy: String?
    /// Gates, migration and analysis, each one line: `gate tests: passed in 12s`.
    package var verdicts: [String]
    /// Of commands that printed anything; nil where a list of releases was asked for.
    package var outputs: [Output]?
    /// What whoever asked for it should know; nil later.
    package var notes: [String]?

    package init(
        service: String, number: Int, status: String, created: Timestamp, by: String, reason: String,
        message: String? = nil, environment: String? = nil, artifact: String? = nil, image: String? = nil,
        folder: String? = nil, code: String? = nil, set: [String] = [], strategy: String? = nil,
        verdicts: [String] = [], outputs: [Output]? = nil, notes: [String]? = nil
    ) {
        self.service = service
        self.number = number
        self.status = status
        self.created = created
        self.by = by
        self.reason = reason
        self.message = message
        self.environment = environment
        self.artifact = artifact
        self.image = image
        self.folder = folder
        self.code = code
        self.set = set
        self.strategy = strategy
        self.verdicts = verdicts
        self.outputs = outputs
        self.notes = notes
    }
}

/// `GET /v1/services/{name}/rollout`, and each line of it with `follow=true`.
package struct RolloutReport: Sendable, Hashable, Codable {
    /// Both releases over one interval of the analysis.
    package struct Interval: Sendable, Hashable, Codable {
        package var canaryRequests: Int
        /// Share of failed requests, 0 to 1; nil without requests.
        package var canaryErrors: Double?
        /// Seconds.
        package var canaryP95: Double?
        package var stableRequests: Int
        package var stableErrors: Double?
        package var stableP95: Double?

        package init(
            canaryRequests: Int, canaryErrors: Double?, canaryP95: Double?, stableRequests: Int,
            stableErrors: Double?, stableP95: Double?
        ) {
            self.canaryRequests = canaryRequests
            self.canaryErrors = canaryErrors
            self.canaryP95 = canaryP95
            self.stableRequests = stableRequests
            self.stableErrors = stableErrors
            self.stableP95 = stableP95
        }
    }

    package enum Outcome: String, Sendable, Hashable, Codable, CaseIterable {
        case succeeded, rolledBack, frozen, aborted, failed, superseded
    }

    package var service: String
    package var release: Int
    /// The release that runs until it is promoted; nil for the first.
    package var stable: Int?
    package var strategy: String
    package var by: String
    package var started: Timestamp
    /// One word: `gates migrating starting shifting waiting promoting checking watching keeping cleaningUp rollingBack frozen done`.
    package var phase: String
    /// From 1, of `steps`; 0 where the strategy has none.
    package var step: Int
    package var steps: Int
    /// Share of the traffic that the new release gets, in percent.
    package var weight: Double
    /// Replicas in rotation and wanted: new, then stable.
    package var ready: Int
    package var desired: Int
    package var stableReady: Int
    package var stableDesired: Int
    /// What happens now or is waited for, one line: `5% for 2m, 1m10s left`, `waits for ops to approve`.
    package var message: String
    package var isPaused: Bool
    /// Newest last, at most 60.
    package var intervals: [Interval]
    /// The newest verdict with its numbers.
    package var verdict: String?
    /// Names of the approvals that this or a later step waits for.
    package var approvals: [String]
    /// Nil while it is under way; one that only keeps its old set has succeeded.
    package var outcome: Outcome?
    /// What a replica of the new release that is not ready printed last; nil where there is nothing.
    package var lastLines: [String]?

    package init(
        service: String, release: Int, stable: Int?, strategy: String, by: String, started: Timestamp, phase: String,
        step: Int, steps: Int, weight: Double, ready: Int, desired: Int, stableReady: Int, stableDesired: Int,
        message: String, isPaused: Bool = false, intervals: [Interval] = [], verdict: String? = nil,
        approvals: [String] = [], outcome: Outcome? = nil, lastLines: [String]? = nil
    ) {
        self.service = service
        self.release = release
        self.stable = stable
        self.strategy = strategy
        self.by = by
        self.started = started
        self.phase = phase
        self.step = step
        self.steps = steps
        self.weight = weight
        self.ready = ready
        self.desired = desired
        self.stableReady = stableReady
        self.stableDesired = stableDesired
        self.message = message
        self.isPaused = isPaused
        self.intervals = intervals
        self.verdict = verdict
        self.approvals = approvals
        self.outcome = outcome
        self.lastLines = lastLines
    }
}

/// `POST /v1/services/{name}/exec`: a command beside a replica.
package struct ExecRequest: Sendable, Hashable, Codable {
    package var command: [String]
    /// Index of the replica; nil is the first that is ready.
    package var replica: Int?
    /// 1 to 86 400.
    package var timeoutSeconds: Int

    package init(command: [String], replica: Int? = nil, timeoutSeconds: Int = 3600) {
        self.command = command
        self.replica = replica
        self.timeoutSeconds = timeoutSeconds
    }
}

/// One line of the answer to `exec`: output as it comes, and how it ended as the last one.
package struct ExecLine: Sendable, Hashable, Codable {
    /// Bytes of stdout and stderr, base64.
    package var output: String?
    package var exitCode: Int?
    /// Number of the signal that ended it.
    package var signal: Int?
    /// Why it was not run or did not end.
    package var failure: String?

    package init(output: String? = nil, exitCode: Int? = nil, signal: Int? = nil, failure: String? = nil) {
        self.output = output
        self.exitCode = exitCode
        self.signal = signal
        self.failure = failure
    }
}

/// `POST /v1/notifications/{channel}/test`.
package struct NotificationTestReport: Sendable, Hashable, Codable {
    package var channel: String
    package var isDelivered: Bool
    /// What the other side answered, or why it was not asked.
    package var answer: String

    package init(channel: String, isDelivered: Bool, answer: String) {
        self.channel = channel
        self.isDelivered = isDelivered
        self.answer = answer
    }
}

/// `GET /v1/notifications`: one channel.
package struct ChannelReport: Sendable, Hashable, Codable {
    package var name: String
    /// `slack email pagerduty webhook`.
    package var kind: String
    /// Only the host of its address; nil where it could not be read.
    package var host: String?
    /// `working failing misconfigured`.
    package var state: String
    /// Notices that wait to be sent.
    package var waiting: Int
    /// Notices that were given up.
    package var dropped: Int
    package var lastSuccess: Timestamp?
    package var lastFailure: Timestamp?
    /// Why, without secrets.
    package var failure: String?
    package var nextTry: Timestamp?

    package init(
        name: String, kind: String, host: String? = nil, state: String, waiting: Int, dropped: Int,
        lastSuccess: Timestamp? = nil, lastFailure: Timestamp? = nil, failure: String? = nil,
        nextTry: Timestamp? = nil
    ) {
        self.name = name
        self.kind = kind
        self.host = host
        self.state = state
        self.waiting = waiting
        self.dropped = dropped
        self.lastSuccess = lastSuccess
        self.lastFailure = lastFailure
        self.failure = failure
        self.nextTry = nextTry
    }
}
