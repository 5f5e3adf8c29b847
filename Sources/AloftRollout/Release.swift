import AloftModel

/// One version of a service as it was deployed: what ran, who wanted it, why, and what came of it.
///
/// What it *is* never changes: file text, environment, overrides. What came of it does: status, migration, gates, verdicts.
package struct Release: Sendable, Hashable, Codable {
    package var service: String
    /// From 1, for each service; never used twice.
    package var number: Int
    package var created: Timestamp
    /// Name of the user who asked for it.
    package var by: String
    package var reason: ReleaseReason
    /// `--message`; at most `ReleaseDraft.maxMessage` characters.
    package var message: String?
    /// SHA-256 of the text of the file as it was, 64 hexadecimal digits: `releases/files/<digest>.yaml`.
    package var fileDigest: String
    /// The environment that was laid over the file.
    package var environment: String?
    package var overrides: ReleaseOverrides
    /// Of what a process is given at its start; two releases of the same digest and overrides run the same.
    package var specDigest: String
    package var migration: MigrationState
    package var status: Status
    /// Why the status is what it is, where that needs saying: "4.1% errors (21 of 512), allowed 1%".
    package var statusReason: String?
    /// Results of the gates before and after, in the order in which they ended.
    package var gates: [GateRecord]
    /// The last judgements, oldest first; at most `maxVerdicts`.
    package var verdicts: [VerdictRecord]
    /// Who approved what.
    package var approvals: [ApprovalRecord]
    /// When all requests went to it for the first time.
    package var promoted: Timestamp?
    /// What its replicas printed last before it failed; nil where it did not, or they printed nothing.
    package var output: [String]?

    /// Older judgements than that many are left out.
    package static let maxVerdicts = 50

    package enum Status: String, Sendable, Hashable, Codable, CaseIterable {
        /// Its rollout has not begun: another one of the service must end first.
        case pending
        /// Its rollout is under way, or frozen.
        case rollingOut
        /// What the service runs.
        case current
        /// It was current, or about to be, and a later release took its place.
        case superseded
        /// A gate or the migration failed: it was never sent a request.
        case failed
        /// It was taken back, by a verdict or by a person.
        case rolledBack
    }

    package init(
        service: String, number: Int, created: Timestamp, by: String, reason: ReleaseReason, message: String? = nil,
        fileDigest: String, environment: String? = nil, overrides: ReleaseOverrides = ReleaseOverrides(),
        specDigest: String, migration: MigrationState = .none, status: Status = .pending, statusReason: String? = nil,
        gates: [GateRecord] = [], verdicts: [VerdictRecord] = [], approvals: [ApprovalRecord] = [],
        promoted: Timestamp? = nil
    ) {
        self.service = service
        self.number = number
        self.created = created
        self.by = by
        self.reason = reason
        self.message = message
        self.fileDigest = fileDigest
        self.environment = environment
        self.overrides = overrides
        self.specDigest = specDigest
        self.migration = migration
        self.status = status
        self.statusReason = statusReason
        self.gates = gates
        self.verdicts = verdicts
        self.approvals = approvals
        self.promoted = promoted
    }

    /// Whether the processes of both are given the same.
    package func runsTheSame(as other: Release) -> Bool {
        service == other.service && specDigest == other.specDigest && overrides == other.overrides
    }

    /// Whether the other's code lay where this one's lies now, and is there no more.
    package func replacesCode(of other: Release) -> Bool {
        guard let new = overrides.folder, let old = other.overrides.folder else { return false }
        return new.path == old.path && new.digest != old.digest
    }
}

/// A release before it has a number.
package struct ReleaseDraft: Sendable, Hashable {
    package var service: String
    package var by: String
    package var reason: ReleaseReason
    package var message: String?
    package var fileDigest: String
    package var environment: String?
    package var overrides: ReleaseOverrides
    package var specDigest: String
    /// Approvals that were given before it began, for a promotion between environments.
    package var approvals: [ApprovalRecord]

    /// Characters of `message`; the rest is cut off.
    package static let maxMessage = 1000

    package init(
        service: String, by: String, reason: ReleaseReason, message: String? = nil, fileDigest: String,
        environment: String? = nil, overrides: ReleaseOverrides = ReleaseOverrides(), specDigest: String,
        approvals: [ApprovalRecord] = []
    ) {
        self.service = service
        self.by = by
        self.reason = reason
        self.message = message
        self.fileDigest = fileDigest
        self.environment = environment
        self.overrides = overrides
        self.specDigest = specDigest
        self.approvals = approvals
    }

    func numbered(_ number: Int, at time: Timestamp, status: Release.Status) -> Release {
        Release(
            service: service, number: number, created: time, by: by, reason: reason,
            message: message.map { String($0.prefix(Self.maxMessage)) }, fileDigest: fileDigest,
            environment: environment, overrides: overrides, specDigest: specDigest, status: status,
            approvals: approvals)
    }
}

/// What brought a release about.
package enum ReleaseReason: Sendable, Hashable, Codable, CustomStringConvertible {
    case deploy
    case reload
    case up
    /// The same content as an earlier release.
    case rollback(to: Int)
    /// Taken over from another environment.
    case promoted(from: String, release: Int)

    package var description: String {
        switch self {
        case .deploy: "deploy"
        case .reload: "reload"
        case .up: "up"
        case .rollback(let number): "rollback to \(number)"
        case .promoted(let environment, let number): "promoted from \(environment) \(number)"
        }
    }
}

/// What a release runs beside the file's words: what `aloft deploy` was told, and what the file's words came to.
package struct ReleaseOverrides: Sendable, Hashable, Codable {
    /// SHA-256 of the artifact: `releases/<digest>/`.
    package var artifact: String?
    /// A reference that always names the same image: `ghcr.io/acme/api@sha256:…`, or an image id.
    package var image: String?
    /// What the file's own `image` or `build` came to when the release was made, named as above.
    package var pinned: String?
    /// The code that it runs in place, without artifact and image. Nil too in releases that earlier versions made.
    package var folder: FolderRecord?
    /// `--set env.X=…`.
    package var environment: [String: String]
    /// Fingerprint of what `envFiles` held when the release was made: `releases/env/<fingerprint>.json`. Nil: nothing.
    package var variables: String?

    package init(
        artifact: String? = nil, image: String? = nil, pinned: String? = nil, folder: FolderRecord? = nil,
        environment: [String: String] = [:], variables: String? = nil
    ) {
        self.variables = variables
        self.artifact = artifact
        self.image = image
        self.pinned = pinned
        self.folder = folder
        self.environment = environment
    }

    /// The image that its containers run; nil where they are processes.
    package var containerImage: String? { image ?? pinned }
}

/// `release.command` of one release: it is run at most once, whatever happens to the daemon.
package enum MigrationState: String, Sendable, Hashable, Codable, CaseIterable {
    /// The service has none.
    case none
    case pending
    /// Written down before it is started.
    case running
    case succeeded
    case failed
    /// The daemon ended while it ran: nobody knows how far it came.
    case unknown
    /// A person said that an unknown one had done its work.
    case confirmed

    /// Whether it may have changed something.
    package var mayHaveRun: Bool { self != .none && self != .pending }
}

/// What came of one gate.
package struct GateRecord: Sendable, Hashable, Codable {
    package enum Stage: String, Sendable, Hashable, Codable { case before, migration, after }
    package enum Outcome: String, Sendable, Hashable, Codable {
        case passed, failed, notApplicable
    }

    package var stage: Stage
    /// As in the file: `integration-tests`, `health`.
    package var name: String
    package var outcome: Outcome
    /// False: the failure stopped nothing.
    package var required: Bool
    package var time: Timestamp
    package var took: Duration
    /// One line: "exit code 1", "no certificate in the file".
    package var detail: String
    /// The last lines of what it printed.
    package var output: [String]

    package init(
        stage: Stage, name: String, outcome: Outcome, required: Bool = true, time: Timestamp, took: Duration,
        detail: String, output: [String] = []
    ) {
        self.stage = stage
        self.name = name
        self.outcome = outcome
        self.required = required
        self.time = time
        self.took = took
        self.detail = detail
        self.output = output
    }
}

/// Who approved what, and when.
package struct ApprovalRecord: Sendable, Hashable, Codable {
    /// As in the file: `qa`, `owner`.
    package var name: String
    package var user: String
    package var time: Timestamp

    package init(name: String, user: String, time: Timestamp) {
        self.name = name
        self.user = user
        self.time = time
    }
}
