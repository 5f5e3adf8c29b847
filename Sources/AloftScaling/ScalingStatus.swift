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
    }
}
