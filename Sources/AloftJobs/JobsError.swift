/// Why a job cannot be run now.
package enum JobsError: Error, Sendable, Hashable, CustomStringConvertible {
    case unknownJob(String, known: [String])
    /// It does not allow a second run beside this one.
    case underWay(job: String, run: Int)
    /// The journal could not be written, so nothing was started.
    case notKept(String)
    /// The daemon is stopping, or has not begun yet.
    case notRunning

    package var description: String {
        switch self {
        case .unknownJob(let name, let known):
            known.isEmpty
                ? "there is no job `\(name)`; the file has no jobs"
                : "there is no job `\(name)`; there is \(known.joined(separator: ", "))"
        case .underWay(let job, let run): "\(job) is running already (run \(run))"
        case .notKept(let why): "the run could not be written down, so it was not started: \(why)"
        case .notRunning: "jobs are not run now: Aloft is starting or stopping"
        }
    }
}
