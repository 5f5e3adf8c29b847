import AloftCompute
import AloftJobs
import AloftModel
import AloftSystem

/// `POST /v1/jobs/{name}/run`.
package struct RunRequest: Sendable, Hashable, Codable {
    /// Who asks.
    package var user: String

    package init(user: String) { self.user = user }
}

/// One element of `GET /v1/jobs`.
package struct JobReport: Sendable, Hashable, Codable {
    package struct Run: Sendable, Hashable, Codable {
        package var number: Int
        /// `queued running succeeded failed timedOut interrupted skipped missed`.
        package var result: String
        /// When it was due; nil for one that a person asked for.
        package var due: Timestamp?
        /// Who asked for it; nil for one that was due.
        package var by: String?
        package var began: Timestamp
        package var ended: Timestamp?
        package var release: Int?
        package var attempt: Int
        package var exitCode: Int?
        /// One line: `exit code 3`, `killed after 10m, its time limit`.
        package var detail: String?
    }

    package var name: String
    package var service: String
    /// As in the file; nil where it runs by hand only.
    package var schedule: String?
    /// When it runs next; nil where it does not by itself.
    package var next: Timestamp?
    /// Oldest first, at most 100.
    package var runs: [Run]
    /// Runs that are over since the job is known, by result.
    package var counts: [String: Int]
    package var lastSuccess: Timestamp?
}

extension JobReport {
    init(_ status: JobStatus) {
        self.init(
            name: status.spec.name, service: status.spec.service, schedule: status.spec.schedule?.description,
            next: status.next, runs: status.state.runs.map { Run($0) }, counts: status.state.counts,
            lastSuccess: status.state.lastSuccess)
    }
}

extension JobReport.Run {
    fileprivate init(_ run: JobRun) {
        self.init(
            number: run.number, result: run.result.rawValue, due: nil, by: nil, began: run.began, ended: run.ended,
            release: run.release, attempt: run.attempt, exitCode: run.exitCode, detail: run.detail)
        switch run.cause {
        case .clock(let time): due = time
        case .person(let user): by = user
        }
    }
}

extension ExecLine {
    /// How a run of a job ended.
    init(_ run: JobRun) {
        if let code = run.exitCode {
            self.init(exitCode: code)
        } else {
            self.init(failure: "run \(run.number): \(run.detail ?? run.result.rawValue)")
        }
    }
}

/// `POST /v1/services/{name}/run`.
package struct RunCommandRequest: Sendable, Hashable, Codable {
    package var command: [String]
    /// Its standard input and output are a terminal.
    package var isInteractive: Bool
    package var user: String

    package init(command: [String], isInteractive: Bool, user: String) {
        self.command = command
        self.isInteractive = isInteractive
        self.user = user
    }
}

/// The program that the caller runs in its own terminal. Holds the values of the release's environment: it is for the
/// process, and nobody prints it.
package struct RunCommandLaunch: Sendable, Codable {
    /// Absolute, or relative to `directory`.
    package var executable: String
    package var arguments: [String]
    /// `NAME=value`.
    package var environment: [String]
    package var directory: String
    /// Place of an argument that is to be a path under which the program can read `fileLines`.
    package var fileArgument: Int?
    package var fileLines: [String]
    /// Whose rights it has; nil: the caller's own.
    package var rights: UserRights?

    init(_ launch: CommandLaunch) {
        executable = launch.executable
        arguments = launch.arguments
        environment = launch.environment
        directory = launch.directory
        fileArgument = launch.fileArgument
        fileLines = launch.fileLines
        rights = launch.rights
    }
}
