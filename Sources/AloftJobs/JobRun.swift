import AloftModel

/// One run of a job, or one that was due and did not take place.
package struct JobRun: Sendable, Hashable, Codable {
    package enum Cause: Sendable, Hashable, Codable {
        /// Due at this time.
        case clock(Timestamp)
        /// `aloft run`, by this user.
        case person(String)
    }

    package enum Result: String, Sendable, Hashable, Codable, CaseIterable {
        /// It begins when the one before has ended.
        case queued
        case running
        case succeeded
        case failed
        /// Killed at its time limit.
        case timedOut
        /// The daemon ended while it ran; how far it came is unknown.
        case interrupted
        /// It was due while the one before still ran.
        case skipped
        /// It was due while no daemon ran, or could not begin in time.
        case missed

        package var isOver: Bool { self != .queued && self != .running }
        /// Somebody should hear of it.
        package var isBad: Bool { [.failed, .timedOut, .interrupted, .missed].contains(self) }
    }

    /// From 1 for each job; never used twice.
    package var number: Int
    package var cause: Cause
    package var result: Result
    /// When it began, or when it was written down that it did not.
    package var began: Timestamp
    package var ended: Timestamp?
    /// The release that ran it; of the last attempt.
    package var release: Int?
    /// Counted from 1.
    package var attempt: Int
    /// Of the last attempt that ended by itself.
    package var exitCode: Int?
    /// One line: `exit code 3`, `killed after 10m`, `12 times since 2026-01-01T00:00:00Z`.
    package var detail: String?

    package init(
        number: Int, cause: Cause, result: Result, began: Timestamp, ended: Timestamp? = nil, release: Int? = nil,
        attempt: Int = 1, exitCode: Int? = nil, detail: String? = nil
    ) {
        self.number = number
        self.cause = cause
        self.result = result
        self.began = began
        self.ended = ended
        self.release = release
        self.attempt = attempt
        self.exitCode = exitCode
        self.detail = detail
    }
}

/// All that is remembered of one job; written down before anything is started.
package struct JobState: Sendable, Hashable, Codable {
    /// Runs that are remembered.
    package static let mostRuns = 100

    /// The schedule that `handled` belongs to; nil before a daemon has seen the job.
    package var schedule: String?
    /// The latest time of the schedule that was dealt with: run, skipped or missed. None up to it is run again.
    package var handled: Timestamp?
    /// Oldest first, at most `mostRuns`; those that are not over are never dropped.
    package var runs: [JobRun] = []
    package var lastNumber = 0
    /// Ended runs since the job is known, by result.
    package var counts: [String: Int] = [:]
    package var lastSuccess: Timestamp?

    package init() {}

    package var underWay: [JobRun] { runs.filter { $0.result == .running } }

    package subscript(number: Int) -> JobRun? {
        get { runs.last { $0.number == number } }
        set {
            guard let newValue, let place = runs.lastIndex(where: { $0.number == number }) else { return }
            runs[place] = newValue
        }
    }

    /// Adds a run under the next number.
    mutating func add(
        _ cause: JobRun.Cause, _ result: JobRun.Result, at now: Timestamp, detail: String? = nil
    ) -> JobRun {
        lastNumber += 1
        let run = JobRun(
            number: lastNumber, cause: cause, result: result, began: now, ended: result.isOver ? now : nil,
            detail: detail)
        runs.append(run)
        if result.isOver { count(run) }
        while runs.count > Self.mostRuns, let place = runs.firstIndex(where: { $0.result.isOver }) {
            runs.remove(at: place)
        }
        return run
    }

    mutating func count(_ run: JobRun, times: Int = 1) {
        counts[run.result.rawValue, default: 0] += times
        if run.result == .succeeded { lastSuccess = run.ended }
    }
}
