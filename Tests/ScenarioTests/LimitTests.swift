import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Limits")
    struct Limits {
        private let allowance = 48 << 20

        @Test("a 20 GB body to a 10 MiB limit gets 413 before it is sent, and memory stays bounded")
        func declaredBody() async throws {
            try await withFixture { fixture in
                let (file, aloft) = try await started(fixture, app: "recorder", edge: "limits: {body: 10MiB}")
                let answer = try await onThread {
                    let connection = try RawConnection(to: file.target)
                    try connection.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000000000\r\n\r\n")
                    return try connection.answer()
                }
                #expect(answer.status == 413)
                #expect(answer.closes)
                #expect(recorded(by: aloft) == 0, "nothing was passed on")
            }
        }

        @Test("a body of 20 GB in chunks is cut off at the limit with 413, and memory stays bounded")
        func chunkedBody() async throws {
            try await withFixture { fixture in
                let (file, aloft) = try await started(fixture, app: "swallows", edge: "limits: {body: 10MiB}")
                let before = try Processes.residentBytes(aloft.pid)
                let (sent, received) = try await onThread { try sendChunks(20 << 30, to: file.target) }
                #expect(received.hasPrefix("HTTP/1.1 413 "), "\(received.prefix(200))")
                #expect(sent < 4 << 30, "what still comes is thrown away for two seconds: \(sent >> 20) MiB")
                #expect(try Processes.peakResidentBytes(aloft.pid) < before + allowance)
                #expect(try await fetch("/", at: file.target).status == 200)
            }
        }

        @Test("a body within the limit passes, and one byte more does not")
        func exactBody() async throws {
            try await withFixture { fixture in
                let (file, _) = try await started(fixture, app: "web", edge: "limits: {body: 64KiB}")
                for (size, status) in [(65_536, 200), (65_537, 413)] {
                    let answer = try await onThread {
                        let connection = try RawConnection(to: file.target)
                        try connection.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(size)\r\n\r\n")
                        try? connection.send([UInt8](repeating: 0x78, count: size))  // refused ones may be cut off
                        return try connection.answer()
                    }
                    #expect(answer.status == status)
                }
            }
        }

        @Test(
            "header bombs get 431, a long request line 414, and memory stays bounded",
            arguments: [
                ("one field of 50 MB", 431), ("a million fields", 431), ("a request line of 50 MB", 414),
            ])
        func headerBomb(kind: String, status: Int) async throws {
            try await withFixture { fixture in
                let (file, aloft) = try await started(fixture, app: "recorder")
                let before = try Processes.residentBytes(aloft.pid)
                let received = try await onThread { try sendBomb(kind, to: file.target) }
                #expect(received.hasPrefix("HTTP/1.1 \(status) "), "\(received.prefix(200))")
                #expect(try Processes.peakResidentBytes(aloft.pid) < before + allowance)
                #expect(recorded(by: aloft) == 0, "nothing was passed on")
            }
        }

        @Test("100 000 pipelined requests are answered in order with bounded memory")
        func pipelined() async throws {
            try await withFixture { fixture in
                let routes =
                    "[{match: {path: /fixed}, respond: {status: 200, body: fixed}}, {match: {path: /*}, service: web}]"
                let (file, aloft) = try await started(fixture, app: "web", routes: routes)
                let before = try Processes.residentBytes(aloft.pid)
                #expect(try await pipeline(100_000, of: "/fixed", to: file.target) == 100_000)
                #expect(try await pipeline(3_000, of: "/through", to: file.target) == 3_000)
                #expect(try Processes.peakResidentBytes(aloft.pid) < before + allowance)
            }
        }

        @Test("a client that pipelines and never reads is held back, with bounded memory")
        func neverReads() async throws {
            try await withFixture { fixture in
                let routes =
                    "[{match: {path: /*}, respond: {status: 200, body: \"\(String(repeating: "x", count: 4000))\"}}]"
                let (file, aloft) = try await started(fixture, app: "web", routes: routes)
                let before = try Processes.residentBytes(aloft.pid)
                let sent = try await onThread { try sendWithoutReading(to: file.target) }
                #expect(sent < 24 << 20, "the edge went on taking requests: \(sent >> 20) MiB")
                #expect(try Processes.peakResidentBytes(aloft.pid) < before + allowance)
            }
        }

        @Test("2 000 slowloris connections are closed on time, and other requests keep their p99")
        func slowloris() async throws {
            try await withFixture { fixture in
                try #require(Machine.openFileLimit >= 6_000, "needs 6 000 open files: ulimit -n")
                let edge = "timeouts: {requestHead: 4s}\nlimits: {connections: 5000, connectionsPerAddress: 5000}"
                let (file, _) = try await started(fixture, app: "web", edge: edge)
                let calm = try await loaded(file) { load in
                    try await eventually("some requests") { load.answered > 1_000 }
                }
                let crowd = try await onThread { try SlowCrowd(2_000, at: file.target) }
                fixture.atEnd("close the crowd") { crowd.closeAll() }
                let clock = ContinuousClock()
                let began = clock.now
                let attacked = try await loaded(file) { _ in
                    try await eventually("all slow ones are closed", within: .seconds(15), every: .milliseconds(250)) {
                        try await onThread { crowd.dribble() } == 0
                    }
                }
                let took = began.duration(to: clock.now)
                print(
                    "2 000 slow connections closed after \(took); p99 \(calm.percentile(0.99)) before, ", terminator: ""
                )
                print("\(attacked.percentile(0.99)) meanwhile")
                #expect(took < .seconds(9), "4 s for a head, and some to close 2 000 of them")
                #expect(crowd.firstBytes.hasPrefix("HTTP/1.1 408 "), "\(crowd.firstBytes)")
                #expect(attacked.bad == 0, "\(attacked.failures)")
                #expect(attacked.percentile(0.99) < max(calm.percentile(0.99) * 4, .milliseconds(60)))
            }
        }

        /// Bytes that reached the app `recorder`.
        private func recorded(by aloft: Aloft) -> Int {
            FileManager.default.contents(atPath: aloft.directory + "/seen")?.count ?? 0
        }

        private func started(
            _ fixture: Fixture, app: String, edge: String = "", routes: String? = nil
        ) async throws -> (AppFile, Aloft) {
            var file = try AppFile(app: app)
            file.edge = edge
            if let routes { file.routes = routes }
            let aloft = try file.start(fixture)
            _ = try await aloft.ready(1)
            return (file, aloft)
        }

        private func loaded(_ file: AppFile, _ body: (Load) async throws -> Void) async throws -> Load.Report {
            let load = Load(to: file.target)
            return try await load.run(clients: 4) { try await body(load) }
        }
    }
}

/// Sends up to `limit` bytes in chunks of 64 KiB until the edge stops taking them; gives how many, and the answer.
private func sendChunks(_ limit: Int, to target: RawConnection.Target) throws -> (sent: Int, received: String) {
    let connection = try RawConnection(to: target)
    try connection.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 0x78, count: 0x10000) + Array("\r\n".utf8)
    var sent = 0
    while sent < limit {
        do {
            try connection.send(chunk)
        } catch {
            break  // cut off, as it should be
        }
        sent += 0x10000
    }
    return (sent, String(decoding: try connection.readToEnd(), as: UTF8.self))
}

/// Sends a head without an end until the edge stops taking it, and gives what it answered.
private func sendBomb(_ kind: String, to target: RawConnection.Target) throws -> String {
    let connection = try RawConnection(to: target)
    let (start, piece, count): (String, String, Int) =
        switch kind {
        case "one field of 50 MB":
            ("GET / HTTP/1.1\r\nHost: localhost\r\nX: ", String(repeating: "x", count: 50_000), 1000)
        case "a million fields":
            ("GET / HTTP/1.1\r\nHost: localhost\r\n", String(repeating: "X: y\r\n", count: 1000), 1000)
        default: ("GET /", String(repeating: "x", count: 50_000), 1000)
        }
    do {
        try connection.send(start)
        for _ in 0..<count { try connection.send(piece) }
    } catch {
        // cut off, as it should be
    }
    return String(decoding: try connection.readToEnd(), as: UTF8.self)
}

/// Sends `count` requests while another thread reads; gives how many answers of 200 came.
private func pipeline(_ count: Int, of path: String, to target: RawConnection.Target) async throws -> Int {
    try await onThread {
        let connection = try RawConnection(to: target)
        let batch = String(repeating: "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 1000)
        // SAFETY: the writing thread only uses the descriptor; reading has buffers of its own.
        let descriptor = connection.descriptor
        let writer = Thread {
            for _ in 0..<(count / 1000) {
                var rest = Array(batch.utf8)[...]
                while !rest.isEmpty {
                    let sent = rest.withUnsafeBytes {
                        Glibc.send(descriptor, $0.baseAddress!, $0.count, Int32(MSG_NOSIGNAL))
                    }
                    guard sent > 0 else { return }
                    rest = rest.dropFirst(sent)
                }
            }
        }
        writer.start()
        var answered = 0
        while answered < count, try connection.answer().status == 200 { answered += 1 }
        return answered
    }
}

/// Sends requests until the edge takes no more for three seconds; gives how many bytes it took.
private func sendWithoutReading(to target: RawConnection.Target) throws -> Int {
    let connection = try RawConnection(to: target, timeout: .seconds(3), receiveBuffer: 4096)
    let padding = String(repeating: "x", count: 2000)
    let request = Array("GET / HTTP/1.1\r\nHost: localhost\r\nX-Padding: \(padding)\r\n\r\n".utf8)
    for count in 0..<100_000 {
        do {
            try connection.send(request)
        } catch {
            return count * request.count
        }
    }
    return 100_000 * request.count
}
