import AloftModel

/// Kubernetes' deployment arithmetic over two sets: how many replicas each should have next.
package enum RollingArithmetic {
    package struct Sets: Sendable, Hashable {
        /// Wanted and ready replicas of the old and of the new release.
        package var old: Int
        package var oldReady: Int
        package var new: Int
        package var newReady: Int

        package init(old: Int, oldReady: Int, new: Int, newReady: Int) {
            self.old = old
            self.oldReady = oldReady
            self.new = new
            self.newReady = newReady
        }
    }

    /// Grows the new set as far as the surge allows; where it can't grow, shrinks the old one as far as readiness does.
    ///
    /// - Parameters:
    ///   - total: Replicas that the service should have.
    ///   - minAvailable: The service's own floor, whatever `maxUnavailable` says.
    /// - Returns: The numbers wanted next; the same as now where nothing can be moved yet.
    package static func next(
        _ sets: Sets, total: Int, spec: RollingSpec, minAvailable: Int
    ) -> (old: Int, new: Int) {
        let floor = self.floor(total: total, spec: spec, minAvailable: minAvailable)
        let surge = self.surge(total: total, spec: spec, floor: floor)
        let room = total + surge - (sets.old + sets.new)
        let new = min(total, sets.new + max(0, room))
        if new != sets.new { return (sets.old, new) }
        // Replicas that are not ready go first, so that many fewer are wanted without anyone missing from rotation.
        let removable = max(0, sets.old + min(sets.newReady, sets.new) - floor)
        return (sets.old - min(sets.old, removable), sets.new)
    }

    /// Ready replicas that must remain.
    package static func floor(total: Int, spec: RollingSpec, minAvailable: Int) -> Int {
        max(total - spec.maxUnavailable.of(total, roundingUp: false), min(minAvailable, total))
    }

    /// Replicas above the total; one where otherwise nothing could ever move.
    package static func surge(total: Int, spec: RollingSpec, floor: Int) -> Int {
        let surge = spec.maxSurge.of(total, roundingUp: true)
        return surge == 0 && floor >= total ? 1 : surge
    }
}
