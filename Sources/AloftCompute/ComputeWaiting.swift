import AloftModel
import AloftSystem

/// How callers wait for the facts to be of a kind.
extension Compute {
    /// Waits until the facts are of a kind.
    ///
    /// - Returns: False where the time was over first, or supervision ended.
    func wait(within limit: Duration?, until isDone: @escaping @Sendable (isolated Compute) -> Bool) async -> Bool {
        if isDone(self) { return true }
        lastWaiter += 1
        let number = lastWaiter
        return await withTaskGroup(of: Void.self) { group in
            if let limit {
                let clock = configuration.clock
                group.addTask {
                    do {
                        try await clock.sleep(for: limit)
                    } catch {
                        return
                    }
                    await self.give(up: number)
                }
            }
            let result = await withTaskCancellationHandler {
                await withCheckedContinuation { waiters[number] = Waiter(isDone: isDone, continuation: $0) }
            } onCancel: {
                // The waiter's own task is gone; this one only tells the actor.
                Task { await self.give(up: number) }
            }
            group.cancelAll()
            return result
        }
    }

    private func give(up number: UInt64) {
        waiters.removeValue(forKey: number)?.continuation.resume(returning: false)
    }

    /// Asks each waiter whether the facts are as it wants them.
    func resumeWaiters() {
        for (number, waiter) in waiters where waiter.isDone(self) {
            waiters.removeValue(forKey: number)?.continuation.resume(returning: true)
        }
    }

    /// Supervision has ended: nothing will change any more.
    func dismissWaiters() {
        for (number, waiter) in waiters {
            waiters[number] = nil
            waiter.continuation.resume(returning: waiter.isDone(self))
        }
    }
}
