import AloftModel

/// What a restart must not forget, with times of the wall clock, as JSON of some ten kilobytes.
struct ScalingRecord: Codable, Sendable, Hashable {
    /// Other versions are dropped: history that is lost costs a window.
    var version = 1
    var desired: Int?
    var entries: [Entry]
    var lastUp: Timestamp?
    var lastDown: Timestamp?
    var lastChange: Timestamp?
    var lastRequest: Timestamp?
    var isIdle: Bool
    var manual: ScalingState.Manual?
    var points: [ScalingStatus.Point]

    struct Entry: Codable, Sendable, Hashable {
        var at: Timestamp
        var up: Int?
        var down: Int
    }

    init(_ state: ScalingState, points: [ScalingStatus.Point], now: Moment) {
        func wall(_ time: Duration) -> Timestamp { now.wall + (time - now.monotonic) }
        desired = state.desired
        entries = state.recommendations.entries.map { Entry(at: wall($0.at), up: $0.up, down: $0.down) }
        lastUp = state.lastUp.map(wall)
        lastDown = state.lastDown.map(wall)
        lastChange = state.lastChange.map(wall)
        lastRequest = state.lastRequest.map(wall)
        isIdle = state.isIdle
        manual = state.manual
        self.points = points
    }

    /// The state with times of this process's clock. What is dated in the future is dropped: the clock went back, and
    /// nobody knows how old it is.
    func state(now: Moment) -> ScalingState {
        func monotonic(_ time: Timestamp?) -> Duration? {
            guard let time, time <= now.wall else { return nil }
            return now.monotonic - (now.wall - time)
        }
        var state = ScalingState()
        state.desired = desired
        state.recommendations.restore(
            entries.compactMap { entry in
                monotonic(entry.at).map { Recommendations.Entry(at: $0, up: entry.up, down: entry.down) }
            })
        state.lastUp = monotonic(lastUp)
        state.lastDown = monotonic(lastDown)
        state.lastChange = monotonic(lastChange)
        state.lastRequest = monotonic(lastRequest)
        state.isIdle = isIdle
        state.manual = manual
        return state
    }

    func points(now: Moment) -> [ScalingStatus.Point] { points.filter { $0.time <= now.wall } }
}
