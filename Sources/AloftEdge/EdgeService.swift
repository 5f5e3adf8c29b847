import AloftModel

/// One service as the edge needs to know it.
package struct EdgeService: Sendable, Hashable {
    package var name: String
    /// By what a user is kept on one release while a split stands; nil decides each request on its own.
    package var sticky: StickyKey?
    /// Field and cookie whose value `canary` or `stable` sends a request there, whatever the weights.
    package var forceHeader: String?
    package var forceCookie: String?
    /// Share of the GET and HEAD requests for the stable release of which a copy goes to the canary.
    package var mirror: Percent?
    /// Whether requests wait while no replica is in rotation; nil answers them with 503 at once.
    package var hold: Hold?

    package init(
        name: String, sticky: StickyKey? = nil, forceHeader: String? = nil, forceCookie: String? = nil,
        mirror: Percent? = nil, hold: Hold? = nil
    ) {
        self.name = name
        self.sticky = sticky
        self.forceHeader = forceHeader
        self.forceCookie = forceCookie
        self.mirror = mirror
        self.hold = hold
    }

    /// How many requests may wait for a first replica, and how long.
    package struct Hold: Sendable, Hashable {
        /// On all loops together; one more is answered with 503.
        package var maxPending: Int
        /// From the end of the request's head; then 503.
        package var maxWait: Duration

        package init(maxPending: Int, maxWait: Duration) {
            self.maxPending = maxPending
            self.maxWait = maxWait
        }
    }
}

/// How a request that the edge made itself went.
package enum ProbeOutcome: Sendable, Hashable {
    /// The whole answer arrived after `duration`, counted from the choice of the replica.
    case answered(status: Int, duration: Duration)
    /// No whole answer; `reason` is one of the access log's words such as `connect`, `timeout`, `upstream_closed`.
    case failed(reason: String)
    /// The release has no replica in rotation.
    case noReplica
    /// Too many probes are under way already; nothing was sent.
    case busy
    /// Path or host can't stand in a request; nothing was sent.
    case invalid
    /// The edge was stopped.
    case stopped
}
