import AloftModel
import Foundation
import Testing

@testable import AloftDaemon

@Suite("Values of the control API")
struct ControlValueTests {
    private let time = Timestamp(nanoseconds: 1_795_212_740_041_000_000)

    @Test("a status survives the wire")
    func status() throws {
        let report = StatusReport(
            app: "a", region: "eu", environment: "e", file: "/f", digest: "d", version: "1", pid: 1, state: .stopping,
            startedAt: time, now: time, urls: ["http://127.0.0.1:1"], admin: nil,
            edge: EdgeReport(openConnections: 1, activeRequests: 2, requests: 3, failures: 4),
            services: [
                ServiceReport(
                    name: "web", desired: 1, ready: 0, minReplicas: 1, maxReplicas: 1, minAvailable: 1, updating: true,
                    listen: "unix",
                    replicas: [
                        ReplicaReport(
                            name: "web-1", generation: 2, state: "failed", inRotation: false, since: time, pid: 3,
                            address: "unix:/s", cpu: 0.5, cpuSeconds: 1, memory: 4, restarts: 5, adopted: true,
                            current: false, activeRequests: 6, requests: 7, limits: "rlimit", reason: "r",
                            lastExit: "l", nextStart: time,
                            probes: [ProbeReport(kind: "startup", passed: nil, answer: "", streak: 0)],
                            lastLines: ["x"])
                    ])
            ])
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(StatusReport.self, from: data) == report)
    }

    @Test("an error is an object with code, message and hint")
    func failure() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let envelope = ControlFailure.Envelope(error: ControlFailure(.outOfBounds, "no", hint: "do"))
        #expect(
            String(decoding: try encoder.encode(envelope), as: UTF8.self)
                == #"{"error":{"code":"outOfBounds","hint":"do","message":"no"}}"#)
    }

    @Test("each code has its status", arguments: ControlFailure.Code.allCases)
    func statuses(code: ControlFailure.Code) {
        let expected: [ControlFailure.Code: Int] = [
            .badRequest: 400, .notFound: 404, .unknownService: 404, .outOfBounds: 409, .stopping: 409, .tooLarge: 413,
            .invalidFile: 422, .failed: 500, .nothingThere: 404, .busy: 409, .refused: 409,
        ]
        #expect(code.status.code == expected[code])
    }

    @Test("a query is read strictly")
    func query() throws {
        let query = RequestQuery([("limit", "5"), ("follow", "true"), ("since", "2026-11-20T22:12:20.041Z")])
        #expect(try query.number("limit", in: 0...10) == 5)
        #expect(try query.flag("follow"))
        #expect(try !query.flag("absent"))
        #expect(try query.time("since") == time)
        #expect(throws: ControlFailure.self) { try query.number("limit", in: 0...4) }
        #expect(throws: ControlFailure.self) { try query.allow(["limit", "follow"]) }
        #expect(throws: ControlFailure.self) { try RequestQuery([("follow", "yes")]).flag("follow") }
        #expect(throws: ControlFailure.self) { try RequestQuery([("since", "now")]).time("since") }
    }

    @Test("a line of the log is JSON whatever is in it")
    func jsonLine() throws {
        var line = JSONLine()
        let text = "a\"b\\c\n\r\t\u{0}\u{1F}é\u{2028}"
        line.add("message", text)
        line.add("empty", "")
        let read = try JSONDecoder().decode([String: String].self, from: Data(line.finished))
        #expect(read == ["message": text, "empty": ""])
        #expect(line.finished.count { $0 == 0x0A } == 1)
    }
}
