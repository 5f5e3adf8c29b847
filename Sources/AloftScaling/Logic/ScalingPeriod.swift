import AloftModel

/// How often a service is looked at.
package enum ScalingPeriod {
    /// A twenty-fourth of its shortest window, cooldown or idle time, in whole seconds from 1 to 15; 15 s where all are
    /// zero.
    ///
    /// A change comes up to one period after its window is over: for a window of two minutes that is 5 s.
    package static func of(_ spec: ScalingSpec) -> Duration {
        let behavior = spec.behavior
        let times = [
            behavior.scaleUp.stabilizationWindow, behavior.scaleDown.stabilizationWindow, behavior.scaleUp.cooldown,
            behavior.scaleDown.cooldown, spec.idle?.after ?? .zero,
        ]
        guard let shortest = times.filter({ $0 > .zero }).min() else { return .seconds(15) }
        return .seconds(min(15, max(1, shortest.nanoseconds / 24_000_000_000)))
    }
}

extension ScalingSpec {
    /// Whether anything but people may change the number.
    package var moves: Bool { !metrics.isEmpty || idle != nil || !schedule.isEmpty }
}
