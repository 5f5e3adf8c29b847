/// Runs an operation for at most so long: then its task is cancelled.
///
/// - Returns: Nil where the time was over first; the operation must end soon after it is cancelled.
package func within<Value: Sendable>(
    _ limit: Duration, clock: any TimeSource, _ operation: @escaping @Sendable () async -> Value
) async -> Value? {
    await withTaskGroup(of: Value?.self) { group in
        group.addTask { await operation() }
        group.addTask {
            do {
                try await clock.sleep(for: limit)
            } catch {
                // The operation was faster, or nobody wants to know any more.
            }
            return nil
        }
        let first = await group.next() ?? nil
        group.cancelAll()
        return first
    }
}
