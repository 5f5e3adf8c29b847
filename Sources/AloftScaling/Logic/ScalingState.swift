import AloftModel

/// What the planner remembers of one service. Times are monotonic.
package struct ScalingState: Sendable, Hashable {
    /// Nil before the first decision.
    package internal(set) var desired: Int?
    var recommendations = Recommendations()
    /// When metrics last added and last took a replica.
    var lastUp: Duration?
    var lastDown: Duration?
    /// When the number last changed, for whatever reason.
    var lastChange: Duration?
    /// When somebody last made a request, or nobody could tell.
    var lastRequest: Duration?
    /// A request was held since the last plan.
    var isWanted = false
    /// The number is low because nobody asks.
    var isIdle = false
    package internal(set) var manual: Manual?

    /// A number set by `aloft scale`.
    package struct Manual: Sendable, Hashable, Codable {
        package var replicas: Int
        package var since: Timestamp
        /// Whether a decision made it the number.
        var isApplied = false
    }

    package init() {}

    /// Somebody waits for an answer of this service.
    package mutating func wanted() { isWanted = true }

    /// Other metrics decide from now on; what the old ones asked for says nothing.
    package mutating func forgetRecommendations(now: Duration) {
        if let desired { recommendations.restart(with: desired, at: now) }
    }

    /// `aloft scale`: the windows begin anew with this number, so that metrics move it only once they ask for another
    /// one for a whole window.
    ///
    /// Without metrics it holds until an entry of the schedule begins. It also counts as a request: a service scaled up
    /// by hand is not idle at once.
    package mutating func set(_ replicas: Int, now: Moment) {
        manual = Manual(replicas: replicas, since: now.wall)
        recommendations.restart(with: replicas, at: now.monotonic)
        lastRequest = now.monotonic
        isIdle = false
    }
}
