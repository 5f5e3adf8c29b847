import AloftModel

/// What `aloft status` shows of one service that scales.
package struct ScalingStatus: Sendable, Hashable, Codable {
    package var service: String
    package var desired: Int
    /// The sentence of the last decision.
    package var reason: String
    package var metrics: [MetricReading]
    package var limits: [ScalingLimit]
    package var notBefore: Timestamp?
    /// Bounds in force.
    package var minReplicas: Int
    package var maxReplicas: Int
    /// The schedule's expression that set them; nil where they are the file's own.
    package var schedule: String?
    /// When the schedule next changes the bounds.
    package var nextScheduleChange: Timestamp?
    /// The number set by `aloft scale`, while it holds.
    package var manual: Int?
    package var lastChange: Timestamp?
    /// Oldest first, one a period, at most 240: for a sparkline.
    package var history: [Point]

    package struct Point: Sendable, Hashable, Codable {
        package var time: Timestamp
        package var desired: Int
        package var ready: Int
        /// Requests a second; nil where the edge could not be asked.
        package var requests: Double?
        /// The largest of the metrics' current ÷ target.
        package var pressure: Double?

        package init(time: Timestamp, desired: Int, ready: Int, requests: Double? = nil, pressure: Double? = nil) {
            self.time = time
            self.desired = desired
            self.ready = ready
            self.requests = requests
            self.pressure = pressure
        }
    }

    package init(
        service: String, desired: Int, reason: String, metrics: [MetricReading] = [], limits: [ScalingLimit] = [],
        notBefore: Timestamp? = nil, minReplicas: Int, maxReplicas: Int, schedule: String? = nil,
        nextScheduleChange: Timestamp? = nil, manual: Int? = nil, lastChange: Timestamp? = nil, history: [Point] = []
    ) {
        self.service = service
        self.desired = desired
        self.reason = reason
        self.metrics = metrics
        self.limits = limits
        self.notBefore = notBefore
        self.minReplicas = minReplicas
        self.maxReplicas = maxReplicas
        self.schedule = schedule
        self.nextScheduleChange = nextScheduleChange
        self.manual = manual
        self.lastChange = lastChange
        self.history = history
    }
}
