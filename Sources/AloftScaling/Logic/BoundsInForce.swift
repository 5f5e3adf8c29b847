import AloftModel

/// minReplicas and maxReplicas as they are now: the file's, or those of the schedule's entry that is in force.
///
/// In force is the entry that began last, of those whose `duration` has not run out; of two that begin together, the later
/// in the file. So a short entry lies over a long one and gives way to it again.
package struct BoundsInForce: Sendable, Hashable {
    package var minReplicas: Int
    package var maxReplicas: Int
    /// Of the file, whatever a schedule says.
    package var minAvailable: Int
    /// The expression that is in force; nil where no entry is.
    package var schedule: String?
    /// When the entry in force began.
    package var since: Timestamp?
    /// When an entry begins or ends next; nil without a schedule.
    package var until: Timestamp?

    /// - Parameter offset: UTC offset of a zone (nil: the machine's own) at an instant.
    package init(_ spec: ScalingSpec, at now: Timestamp, offset: (String?, Timestamp) -> Duration) {
        minReplicas = spec.minReplicas
        maxReplicas = spec.maxReplicas
        minAvailable = spec.minAvailable
        for entry in spec.schedule {
            let zone = { (instant: Timestamp) in offset(entry.cron.timeZone, instant) }
            if let next = entry.cron.next(after: now, offset: zone) { changes(at: next) }
            // One that begins in this very nanosecond has begun.
            guard let began = entry.cron.previous(before: now + .nanoseconds(1), offset: zone) else { continue }
            if let duration = entry.duration {
                guard now < began + duration else { continue }
                changes(at: began + duration)
            }
            guard began >= since ?? began else { continue }
            since = began
            schedule = entry.cron.description
            minReplicas = entry.minReplicas ?? spec.minReplicas
            maxReplicas = entry.maxReplicas ?? spec.maxReplicas
        }
        // What protects the machine wins over what asks for much.
        minReplicas = min(minReplicas, maxReplicas)
    }

    /// The least number while the service is not idle.
    package var lower: Int { max(minReplicas, min(minAvailable, maxReplicas)) }
    package var upper: Int { maxReplicas }

    package func clamp(_ number: Int) -> Int { min(max(number, lower), upper) }

    private mutating func changes(at time: Timestamp) { until = min(until ?? time, time) }
}
