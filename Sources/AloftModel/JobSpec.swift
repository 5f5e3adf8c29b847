/// One entry of `jobs`: a command that runs by the clock or by hand, in a service's current release and environment.
package struct JobSpec: Sendable, Hashable {
    /// What happens to a run that is due while the one before still runs.
    package enum Overlap: String, Sendable, Hashable, CaseIterable {
        /// It is left out, and recorded as skipped.
        case skip
        /// It begins when the one before has ended; one waits at most, others are skipped.
        case queue
        /// It runs beside.
        case allow
    }

    package var name: String
    /// Whose release, folder or image, and environment it has.
    package var service: String
    package var command: [Template]
    /// Nil where it runs by hand only.
    package var schedule: Schedule?
    /// Each attempt is killed after so long, with all that it started.
    package var timeout: Duration
    package var overlap: Overlap
    /// Attempts after the first one that a run by the clock has.
    package var retries: Int
    /// A run that could not begin at its time still does within so long; later it is recorded as missed.
    package var startWithin: Duration
    /// Channel that is told of a failed or missed run; nil follows `notifications.warning`.
    package var onFailure: String?

    package init(
        name: String, service: String, command: [Template], schedule: Schedule? = nil,
        timeout: Duration = .seconds(3600), overlap: Overlap = .skip, retries: Int = 0,
        startWithin: Duration = .seconds(3600), onFailure: String? = nil
    ) {
        self.name = name
        self.service = service
        self.command = command
        self.schedule = schedule
        self.timeout = timeout
        self.overlap = overlap
        self.retries = retries
        self.startWithin = startWithin
        self.onFailure = onFailure
    }
}
