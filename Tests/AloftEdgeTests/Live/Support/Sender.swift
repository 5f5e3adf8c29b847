import Foundation

/// Sends on a thread of its own while the test reads.
///
/// SAFETY: the semaphore orders the only two uses of `failure`.
final class Sender: @unchecked Sendable {
    private let done = DispatchSemaphore(value: 0)
    private var failure: (any Error)?

    init(_ wire: Wire, _ bytes: [UInt8], pieces: Int = .max, tally: @escaping @Sendable (Int) -> Void = { _ in }) {
        let thread = Thread { [self] in
            do {
                var start = 0
                while start < bytes.count {
                    let end = pieces < bytes.count - start ? start + pieces : bytes.count
                    let count = try wire.sendSome(bytes[start..<end])
                    guard count > 0 else { throw WireError.timedOut("send") }
                    tally(count)
                    start += count
                }
            } catch { failure = error }
            done.signal()
        }
        thread.start()
    }

    /// Waits until everything is sent or could not be.
    func wait() {
        done.wait()
        done.signal()
    }

    func finish() throws {
        wait()
        if let failure { throw failure }
    }
}
