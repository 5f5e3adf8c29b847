/// A deadline that belongs to no connection: for what an owner does every so often.
///
/// Confined to its loop, as its last reference is.
package final class LoopTimer: TimerNode {
    private let loop: Loop
    private let body: (_ now: UInt64) -> Void

    package init(_ loop: Loop, _ body: @escaping (_ now: UInt64) -> Void) {
        self.loop = loop
        self.body = body
    }

    /// Sets when the body runs, once, in monotonic nanoseconds; it may set the next time itself.
    package func set(_ deadline: UInt64) { loop.wheel.set(self, deadline) }

    package func cancel() { loop.wheel.remove(self) }

    override func expire(now: UInt64) { body(now) }

    deinit { loop.wheel.remove(self) }
}
