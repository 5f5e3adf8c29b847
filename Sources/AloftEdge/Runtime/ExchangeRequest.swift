import AloftHTTP
import AloftModel

extension Exchange {
    /// What the front end knows of a request.
    ///
    /// It is copied on its way here, so it counts few references: routes and plans live as long as their snapshot,
    /// counters as long as the loop.
    struct Request {
        let snapshot: EdgeSnapshot
        /// By the plan's number in the tables of the moment it was dispatched; a reload numbers anew.
        let rotation: ServiceRotation
        let facts: Facts
        let line: AccessLine?
        private let uncountedRoute: Unmanaged<CompiledRoute>
        private let uncountedPlan: Unmanaged<ServicePlan>
        private let uncountedCounters: Unmanaged<RouteCounters>

        /// `route` and `plan` belong to `snapshot`, `counters` to the loop.
        init(
            snapshot: EdgeSnapshot, route: CompiledRoute, plan: ServicePlan, rotation: ServiceRotation,
            counters: RouteCounters, facts: Facts, line: AccessLine?
        ) {
            self.snapshot = snapshot
            self.rotation = rotation
            self.facts = facts
            self.line = line
            uncountedRoute = .passUnretained(route)
            uncountedPlan = .passUnretained(plan)
            uncountedCounters = .passUnretained(counters)
        }

        /// The same request once more, for a replica of `release` and not logged.
        func aside(to release: Int) -> Request {
            var facts = facts
            facts.lane = .release(Int32(truncatingIfNeeded: release))
            facts.isMirrored = false
            return Request(
                snapshot: snapshot, route: route, plan: plan, rotation: rotation, counters: counters, facts: facts,
                line: nil)
        }

        var route: CompiledRoute { uncountedRoute.takeUnretainedValue() }
        var plan: ServicePlan { uncountedPlan.takeUnretainedValue() }
        var counters: RouteCounters { uncountedCounters.takeUnretainedValue() }
    }

    /// The plain values among it: copying them costs nothing.
    struct Facts {
        let method: Method
        let minorVersion: UInt8
        let isTLS: Bool
        let keepAlive: Bool
        let wantsUpgrade: Bool
        let wantsJSON: Bool
        let clientHash: UInt64
        var lane: Lane
        /// A copy of it may go to another release.
        var isMirrored = false
        let id: RequestID
        /// Monotonic nanoseconds.
        let started: UInt64

        static let none = Facts(
            method: .get, minorVersion: 1, isTLS: false, keepAlive: false, wantsUpgrade: false, wantsJSON: false,
            clientHash: 0, lane: .any, id: RequestID(high: 0, low: 0), started: 0)

        static func probe(release: Int, started: UInt64) -> Facts {
            Facts(
                method: .get, minorVersion: 1, isTLS: false, keepAlive: true, wantsUpgrade: false, wantsJSON: false,
                clientHash: 0, lane: .release(Int32(truncatingIfNeeded: release)), id: RequestID(high: 0, low: 0),
                started: started)
        }
    }
}
