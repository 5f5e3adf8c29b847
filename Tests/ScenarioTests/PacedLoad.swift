import AloftTestKit
import Foundation

/// `Apps/load.c`: requests at a fixed rate whatever becomes of them, each looked at, none asked a second time.
///
/// `Load` asks as fast as it is answered, and a connection that was closed is opened again without a word; here each
/// request that is not answered with 200 counts, so that "no request is lost" can be said.
final class PacedLoad: Sendable {
    struct Report: Sendable, Decodable {
        var done: Bool
        var seconds: Double
        /// Sent, or tried to.
        var requests: Int
        /// With a whole answer, whatever its status.
        var answered: Int
        /// With 200.
        var ok: Int
        /// Without an answer: refused, closed, reset, cut off, not HTTP, or none for 10 s.
        var failed: Int
        /// Connections.
        var opened: Int
        var statuses: [String: Int]
        /// How many were answered by each `$VERSION`.
        var versions: [String: Int]
        /// Milliseconds from when a request was due.
        var p50: Double
        var p99: Double
        var max: Double

        /// Requests that were not answered with 200, for whatever reason; those under way are not among them.
        var lost: Int { failed + answered - ok }

        func count(of version: Int) -> Int { versions["\(version)"] ?? 0 }
    }

    private let child: Child

    /// - Parameters:
    ///   - rate: Requests a second, of all connections together.
    ///   - fresh: Each so-manieth request of a connection is its last one.
    ///   - requests: Ends after so many; 0: at `finish`.
    ///   - headers: Whole lines.
    init(
        to port: Int, rate: Int, connections: Int = 16, fresh: Int = 10, requests: Int = 0, headers: [String] = [],
        _ fixture: Fixture
    ) async throws {
        let folder = try fixture.directory()
        let program = try await CompiledApp.load(in: folder)
        let child = try Child(
            [program, "\(port)", "\(rate)", "\(connections)", "\(fresh)", "\(requests)"] + headers, directory: folder,
            output: folder + "/load.out")
        fixture.atEnd("end the load") { child.signal(SIGKILL) }
        self.child = child
    }

    /// The newest counts; nil before the first ones.
    var report: Report? {
        get throws {
            // The last line may be half written.
            let lines = child.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            guard let line = lines.last(where: { $0.hasPrefix("{") }) else { return nil }
            return try JSONDecoder().decode(Report.self, from: Data(line.utf8))
        }
    }

    /// Counts of each tenth of a second, oldest first.
    var history: [Report] {
        get throws {
            try child.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                .filter { $0.hasPrefix("{") }.map { try JSONDecoder().decode(Report.self, from: Data($0.utf8)) }
        }
    }

    /// What became of the first requests that were not answered with 200, with the time of day (UTC).
    var failures: [Substring] { child.output.split(separator: "\n").filter { $0.hasPrefix("!") } }

    /// Waits until the counts are as wanted.
    @discardableResult
    func reports(
        _ what: String, within limit: Duration = .seconds(30), where holds: (Report) -> Bool
    ) async throws -> Report {
        try await eventually("\(what): \(child.output.suffix(600))", within: limit) {
            if let report = try report, holds(report) { return report }
            if let ending = child.ending {
                throw KitError.missing("the load ended, \(ending): \(child.output.suffix(500))")
            }
            return nil
        }
    }

    /// Sends no more, waits for what is under way, and gives all counts.
    func finish() async throws -> Report {
        child.signal(SIGTERM)
        return try await ended(within: .seconds(15))
    }

    /// Waits for the end of a load of a fixed number of requests.
    func ended(within limit: Duration = .seconds(60)) async throws -> Report {
        _ = try await child.ended(within: limit)
        guard let report = try report, report.done else {
            throw KitError.missing("the load ended without its counts: \(child.output.suffix(500))")
        }
        return report
    }
}

/// The programs of `Apps` that are written in C.
enum CompiledApp {
    /// - Returns: Its path.
    static func version(in folder: String) async throws -> String { try await compile("version", in: folder) }

    static func load(in folder: String) async throws -> String { try await compile("load", in: folder) }

    static var compiler: String { Machine.has(program: "clang") ? "clang" : "cc" }

    private static func compile(_ name: String, in folder: String) async throws -> String {
        let program = "\(folder)/\(name)"
        let words = [compiler, "-O2", "-static", "-pthread", "-o", program, "\(AppFile.apps)/\(name).c"]
        let answer = try await Child.run(words, directory: folder)
        if answer.ending != .exited(0) { throw KitError.missing("\(name).c does not compile: \(answer.output)") }
        return program
    }
}
