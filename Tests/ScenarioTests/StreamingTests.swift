import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Streaming")
    struct Streaming {
        @Test("server-sent events arrive one by one, each before the next one is sent")
        func serverSentEvents() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "streams")
                _ = try await file.start(fixture).ready(1)
                let (type, events) = try await onThread {
                    let stream = try RawConnection(to: file.target, timeout: .seconds(5))
                    let other = try RawConnection(to: file.target)
                    try stream.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    let type = try stream.head()["content-type"]
                    var events: [String] = []
                    while events.count < 20 {
                        let line = String(decoding: try stream.readLine(), as: UTF8.self)
                        if line.hasPrefix("data: ") {
                            events.append(line.dropFirst(6).trimmingCharacters(in: .newlines))
                            _ = try other.get("/acknowledge")
                        }
                    }
                    return (type, events)
                }
                #expect(type == "text/event-stream")
                #expect(events == (0..<20).map(String.init))
            }
        }

        @Test("a slow client holds at most 256 KiB of a fast application's answer")
        func slowClients() async throws {
            try await withFixture { fixture in
                let clients = 100
                let file = try AppFile(app: "streams")
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                #expect(try await fetch("/", at: file.target).status == 200)
                let before = try Processes.residentBytes(aloft.pid)
                let held = try await onThread {
                    let open = try (0..<clients).map { _ in
                        let client = try RawConnection(to: file.target, receiveBuffer: 4096)
                        try client.send("GET /endless?mb=256 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                        _ = try client.head()
                        return client
                    }
                    for _ in 0..<20 {
                        for client in open { _ = try client.read(1024) }
                        usleep(50_000)  // slow is what these clients are
                    }
                    return (try Processes.residentBytes(aloft.pid) - before) / clients
                }
                print("each of \(clients) slow clients holds \(held >> 10) KiB of the daemon's memory")
                #expect(held < 256 << 10, "the connections themselves included")
            }
        }

        @Test("a client that pauses gets every byte once it reads on")
        func pausedClient() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "streams")
                _ = try await file.start(fixture).ready(1)
                let intact = try await onThread {
                    let client = try RawConnection(to: file.target, receiveBuffer: 4096)
                    try client.send("GET /endless?mb=64 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    guard try client.head()["content-length"] == "\(64 << 20)" else { return false }
                    let expected = (0..<65_536).map { UInt8(truncatingIfNeeded: $0) }
                    for piece in 0..<1024 {
                        if piece % 256 == 0 { usleep(300_000) }
                        guard try client.read(65_536) == expected else { return false }
                    }
                    return true
                }
                #expect(intact)
            }
        }

        @Test("10 000 WebSocket messages pass through the edge across a reload")
        func webSocket() async throws {
            try await withFixture { fixture in
                let probes = "{readiness: {httpGet: /health, period: 200ms, timeout: 2s, failureThreshold: 3}}"
                var file = try AppFile(app: "websocket_echo", python: Checkout.python, probes: probes)
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                let progress = aloft.directory + "/progress"
                let client = try Child(
                    [
                        Checkout.python, AppFile.apps + "/websocket_client.py", "ws://localhost:\(file.port)/", "10000",
                        progress,
                    ], directory: aloft.directory, output: aloft.directory + "/client.out")
                fixture.atEnd("end the client") { client.signal(SIGKILL) }
                for (round, exchanged) in [1_000, 4_000, 7_000].enumerated() {
                    try await eventually("\(exchanged) messages: \(client.output)", within: .seconds(60)) {
                        let text = FileManager.default.contents(atPath: progress) ?? Data()
                        return (Int(String(decoding: text, as: UTF8.self)) ?? 0) >= exchanged || client.ending != nil
                    }
                    #expect(client.ending == nil, "still exchanging when the file is reloaded: \(client.output)")
                    file.edge = "headers: {set: {X-Round: \"\(round)\"}}"
                    try file.text.write(toFile: aloft.directory + "/aloft.yaml", atomically: true, encoding: .utf8)
                    #expect(try await aloft.command("reload").ending == .exited(0))
                }
                #expect(try await client.ended(within: .seconds(90)) == .exited(0), "\(client.output)")
                #expect(client.output.contains("10000 messages exchanged"))
            }
        }
    }
}
