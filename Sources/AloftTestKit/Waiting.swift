import Foundation

/// Asks until `probe` gives a value, and gives it back; throws once `limit` has passed.
///
/// This is the one place of the tests that lets time pass: a test waits for a state, never for a while.
package func eventually<Value: Sendable>(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(20),
    every period: Duration = .milliseconds(20),
    _ probe: () async throws -> Value?
) async throws -> Value {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while true {
        if let value = try await probe() { return value }
        guard clock.now < end else { throw KitError.deadline(what()) }
        try await clock.sleep(for: period)
    }
}

/// Asks until `condition` holds; throws once `limit` has passed.
package func eventually(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(20),
    every period: Duration = .milliseconds(20),
    holds condition: () async throws -> Bool
) async throws {
    _ = try await eventually(what(), within: limit, every: period) { try await condition() ? true : nil }
}

/// Runs blocking code on a thread of its own, so that the few threads of Swift's pool stay free.
package func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try body() }) }
        thread.stackSize = 512 << 10
        thread.start()
    }
}
