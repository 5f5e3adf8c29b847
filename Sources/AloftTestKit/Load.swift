import Foundation
import Synchronization

/// Kept-alive clients that ask for the same thing again and again until they are told to stop.
///
/// A client whose connection was closed by the server after a whole answer opens a new one, as browsers do: that
/// alone is no failure. Whatever else keeps a request from its answer is one.
package final class Load: Sendable {
    package struct Report: Sendable {
        package var answered = 0
        /// How many answers of each status.
        package var statuses: [Int: Int] = [:]
        /// Requests without a whole answer; the first hundred in words.
        package var failed = 0
        package var failures: [String] = []
        /// Connections refused: nobody listened.
        package var refused = 0
        /// Time to the whole answer of each request, in nanoseconds, the first million of them.
        package var latencies: [Int64] = []

        /// Answers that are not 200, and requests without one.
        package var bad: Int { answered - (statuses[200] ?? 0) + failed }

        /// Latency that a share of the requests stays within.
        package func percentile(_ share: Double) -> Duration {
            guard !latencies.isEmpty else { return .zero }
            let sorted = latencies.sorted()
            return .nanoseconds(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))])
        }
    }

    private let target: RawConnection.Target
    private let request: String
    private let stopping = Atomic<Bool>(false)
    private let report = Mutex(Report())

    /// - Parameter request: whole head of a request without a body.
    package init(to target: RawConnection.Target, request: String = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") {
        self.target = target
        self.request = request
    }

    /// Runs `clients` clients while `body` runs and gives what they saw.
    package func run(clients: Int, while body: () async throws -> Void) async throws -> Report {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<clients { group.addTask { try await onThread { self.client() } } }
            do {
                try await body()
            } catch {
                stopping.store(true, ordering: .relaxed)
                throw error
            }
            stopping.store(true, ordering: .relaxed)
            try await group.waitForAll()
        }
        return report.withLock { $0 }
    }

    /// Requests answered until now, for tests that wait until the load is under way.
    package var answered: Int { report.withLock { $0.answered } }

    /// Requests answered with 200 until now.
    package var served: Int { report.withLock { $0.statuses[200] ?? 0 } }

    private func client() {
        let clock = ContinuousClock()
        var connection: RawConnection?
        while !stopping.load(ordering: .relaxed) {
            let began = clock.now
            do {
                let open = try connection ?? RawConnection(to: target)
                try open.send(request)
                let answer = try open.answer()
                connection = answer.closes ? nil : open
                record(answer, took: began.duration(to: clock.now))
            } catch {
                let reused = connection != nil
                connection = nil
                record(error, reused: reused)
            }
        }
    }

    private func record(_ answer: Answer, took: Duration) {
        let (seconds, attoseconds) = took.components
        report.withLock { report in
            report.answered += 1
            report.statuses[answer.status, default: 0] += 1
            if report.latencies.count < 1_000_000 {
                report.latencies.append(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
            }
            if answer.status != 200, report.failures.count < 100 {
                report.failures.append("\(answer.status) \(answer.text.prefix(200))")
            }
        }
    }

    private func record(_ error: any Error, reused: Bool) {
        if case KitError.system("connect", _) = error {
            report.withLock { $0.refused += 1 }
            usleep(2000)  // nobody listens: do not spin
            return
        }
        report.withLock { report in
            report.failed += 1
            if report.failures.count < 100 { report.failures.append("\(error)\(reused ? " (kept-alive)" : "")") }
        }
    }
}
