import AloftModel

/// One job as it is now.
package struct JobStatus: Sendable, Hashable {
    package var spec: JobSpec
    /// When its schedule comes next.
    package var next: Timestamp?
    package var state: JobState

    package var isRunning: Bool { !state.underWay.isEmpty }
    /// The newest run that has ended or did not take place.
    package var last: JobRun? { state.runs.last { $0.result.isOver } }
}
