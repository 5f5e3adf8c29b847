import AloftLanguage
import AloftModel

/// `GET /v1/plan`: what runs.
package struct PlanReport: Sendable, Hashable, Codable {
    package var file: String
    package var environment: String?
    /// First twelve digits of the SHA-256 of `effective`.
    package var digest: String
    /// The effective file with every default.
    package var effective: String
    /// What it does not guarantee.
    package var gaps: [Gap]

    package init(file: String, environment: String?, digest: String, effective: String, gaps: [Gap]) {
        self.file = file
        self.environment = environment
        self.digest = digest
        self.effective = effective
        self.gaps = gaps
    }
}

/// `POST /v1/plan/difference` and `POST /v1/reload`: from what runs to what the file says.
package struct PlanDifference: Sendable, Hashable, Codable {
    /// In the order of the file; empty where nothing changes.
    package var changes: [PlanChange]
    /// Digest of the effective file that was compared.
    package var digest: String
    /// Where what runs is not what the file says, and why; nil from an older daemon.
    package var notes: [String]?

    package init(changes: [PlanChange], digest: String, notes: [String]? = nil) {
        self.changes = changes
        self.digest = digest
        self.notes = notes
    }
}

/// `POST /v1/plan/difference` as `application/json`; another body is the file's text alone.
package struct PlanRequest: Sendable, Hashable, Codable {
    /// Text of the file.
    package var file: String
    /// What the caller's shell has for the names that the file reads as `${env.NAME}`.
    package var variables: [String: String]?

    package init(file: String, variables: [String: String]?) {
        self.file = file
        self.variables = variables
    }
}

/// `POST /v1/reload`; an empty body keeps all values.
package struct ReloadRequest: Sendable, Hashable, Codable {
    /// What the caller's shell has for the names of `GET /v1/variables`. They replace the daemon's values of these names,
    /// are kept in memory alone, and are in no answer.
    package var variables: [String: String]?

    package init(variables: [String: String]?) { self.variables = variables }
}

/// `GET /v1/variables`: what the file, as it is now, reads from the environment.
package struct VariableNames: Sendable, Hashable, Codable {
    /// Of `${env.NAME}`, sorted.
    package var names: [String]

    package init(names: [String]) { self.names = names }
}

/// `POST /v1/services/{name}/scale`.
package struct ScaleRequest: Sendable, Hashable, Codable {
    package var replicas: Int

    package init(replicas: Int) { self.replicas = replicas }
}

/// The answer to a request that started something: it is under way, and `aloft events -f` shows it.
package struct Accepted: Sendable, Hashable, Codable {
    /// One line for people.
    package var message: String

    package init(message: String) { self.message = message }
}

/// The body of every answer that is not 2xx: `{"error": {"code": …, "message": …, "hint": …}}`.
package struct ControlFailure: Error, Sendable, Hashable, Codable {
    /// Closed: a client may switch over it.
    package enum Code: String, Sendable, Hashable, Codable, CaseIterable {
        /// 400: the request itself is wrong.
        case badRequest
        /// 404: no such path.
        case notFound
        /// 404: the file has no such service.
        case unknownService
        /// 409: the file's bounds do not allow this number of replicas.
        case outOfBounds
        /// 404: no rollout is under way, no such release, no such channel.
        case nothingThere
        /// 409: a rollout is under way; the message says who holds it.
        case busy
        /// 409: what was asked for is not allowed as things are: the same release again, gates that have not passed.
        case refused
        /// 409: the daemon is stopping.
        case stopping
        /// 413: the body is larger than a file may be.
        case tooLarge
        /// 422: the file has errors; nothing was changed. `message` holds the diagnostics.
        case invalidFile
        /// 500: it was tried and failed; nothing more was changed than `message` says.
        case failed
    }

    package var code: Code
    /// What failed and why.
    package var message: String
    /// What to do.
    package var hint: String?

    package init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// The object around it on the wire.
    package struct Envelope: Sendable, Hashable, Codable {
        package var error: ControlFailure

        package init(error: ControlFailure) { self.error = error }
    }
}
