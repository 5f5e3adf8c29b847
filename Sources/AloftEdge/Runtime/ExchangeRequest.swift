import AloftHTTP
import AloftModel

extension Exchange {
    /// What the front end knows of a request.
    struct Request {
        let snapshot: EdgeSnapshot
        let route: CompiledRoute
        let plan: ServicePlan
        /// By the plan's number in the tables of the moment it was dispatched; a reload numbers anew.
        let rotation: ServiceRotation
        let counters: RouteCounters
        let facts: Facts
        let line: AccessLine?
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
        let id: RequestID
        /// Monotonic nanoseconds.
        let started: UInt64

        static let none = Facts(
            method: .get, minorVersion: 1, isTLS: false, keepAlive: false, wantsUpgrade: false, wantsJSON: false,
            clientHash: 0, id: RequestID(high: 0, low: 0), started: 0)
    }
}
