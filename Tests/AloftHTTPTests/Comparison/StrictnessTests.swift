import AloftTestKit
import Foundation
import Testing

@testable import AloftHTTP

/// One input, and what each gateway makes of it.
struct Comparison: Sendable {
    let group: String
    let rule: String
    let bytes: [UInt8]
    var nginx = Peer.Answer.waits
    var haproxy: Peer.Answer?

    /// The status with which Aloft refuses; nil where it forwards the request.
    var refusal: Int? {
        let verdict = parseRequest(bytes)
        guard let head = verdict.parsed else {
            if case .rejected(let fault) = verdict { return fault.status }
            return nil
        }
        // Refused by the edge, not by the parser.
        if head.method == .connect || head.method == .trace { return 405 }
        guard head.framing == .chunked else { return nil }
        guard case .rejected(let reason) = scanChunks(Array(bytes[head.byteCount...])).end else { return nil }
        return reason.status
    }

    /// Aloft would forward it, as opposed to refuse it or wait for the rest of its head.
    var isAccepted: Bool { refusal == nil && parseRequest(bytes).parsed.map { $0.path.hasPrefix("/") } ?? false }

    /// A settled request, a generated one or a chunked body, with a few bytes changed.
    init(mutated index: Int, _ random: inout SplitMix) {
        let heads = RequestCase.all.map(\.bytes)
        let bodies = ChunkCase.all.map(\.bytes)
        var start: [UInt8] = []
        var bytes: [UInt8]
        switch random.below(4) {
        case 0: bytes = heads[random.below(heads.count)]
        case 1, 2: bytes = GeneratedRequest(&random).bytes
        default:
            start = Self.chunkedHead
            bytes = bodies[random.below(bodies.count)]
        }
        let others = start.isEmpty ? heads : bodies
        for _ in 0...random.below(3) {
            InvariantTests.mutate(&bytes, &random, other: others[random.below(others.count)])
        }
        self.init(group: "Mutated", rule: "\(index)", bytes: start + bytes)
    }

    private static let chunkedHead = Array("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)

    static let all: [Comparison] = {
        let groups: [(String, [RequestCase])] = [
            ("Framing", RequestCase.framing), ("Lines", RequestCase.lines), ("Field names", RequestCase.names),
            ("Field values", RequestCase.values), ("Request lines", RequestCase.requestLines),
            ("Targets", RequestCase.targets), ("Paths", RequestCase.paths), ("Hosts", RequestCase.hosts),
            ("Connection", RequestCase.connection), ("Limits", RequestCase.limits),
        ]
        let heads = groups.flatMap { group, cases in
            cases.map { Comparison(group: group, rule: $0.rule, bytes: $0.bytes) }
        }
        let bodies = ChunkCase.all.map { given in
            let body = given.payload == nil ? given.bytes : given.bytes.dropLast()
            return Comparison(group: "Chunked bodies", rule: given.rule, bytes: chunkedHead + body)
        }
        return heads + bodies
    }()

    init(group: String, rule: String, bytes: [UInt8]) {
        self.group = group
        self.rule = rule
        self.bytes = bytes
    }
}

@Suite("Strictness beside nginx and HAProxy")
struct StrictnessTests {
    /// RFC 9112 §3.2.4 has it and applications answer it; nginx alone does not know it.
    private static let exceptions: Set<String> = ["the asterisk form with OPTIONS"]

    @Test("everything that nginx refuses is refused here too", .enabled(if: Machine.has(program: "nginx")))
    func comparedWithNginx() async throws {
        let results = try await withFixture { fixture in
            let (nginx, origin) = try await Peer.nginx(fixture)
            let haproxy =
                Machine.has(program: "haproxy") ? try await Peer.haproxy(fixture, origin: origin) : nil
            return try await ask(Comparison.all, nginx: nginx, haproxy: haproxy)
        }
        #expect(results.count == Comparison.all.count)
        #expect(results.contains { $0.refusal == nil && $0.nginx == .status(200) }, "nginx answers nothing with 200")
        for result in results where result.nginx.isRefusal && result.refusal == nil {
            if Self.exceptions.contains(result.rule) { continue }
            Issue.record("\(result.group): nginx refuses \(result.rule) with \(result.nginx), Aloft does not")
        }
        if let path = ProcessInfo.processInfo.environment["ALOFT_WRITE_STRICTNESS"] {
            try Data(StrictnessTable(results).text.utf8).write(to: URL(fileURLWithPath: path))
        }
    }

    @Test(
        "everything that nginx refuses among mutated requests is refused here too", arguments: Self.seeds)
    func mutated(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let inputs = (0..<Self.mutatedCount).map { Comparison(mutated: $0, &random) }
        let results = try await withFixture { fixture in
            try await ask(inputs, nginx: Peer.nginx(fixture).peer, haproxy: nil)
        }
        #expect(results.contains { $0.nginx.isRefusal } && results.contains { $0.nginx == .status(200) })
        for result in results where result.nginx.isRefusal && result.isAccepted {
            let text = result.bytes.reduce(into: "") { $0 += UnicodeScalar($1).escaped(asASCII: true) }
            Issue.record("seed \(seed): nginx refuses with \(result.nginx): \(text)")
        }
    }

    private static let mutatedCount = 250
    private static let seeds: [UInt64] = Machine.has(program: "nginx") ? [31, 32] : []

    /// Sixteen at a time, since some inputs make a gateway wait.
    private func ask(_ inputs: [Comparison], nginx: Peer, haproxy: Peer?) async throws -> [Comparison] {
        try await withThrowingTaskGroup(of: (Int, Comparison).self) { group in
            var results = inputs
            var next = 0
            func add() {
                guard next < inputs.count else { return }
                let (index, comparison) = (next, inputs[next])
                next += 1
                group.addTask {
                    var answered = comparison
                    answered.nginx = try await nginx.answer(to: comparison.bytes)
                    answered.haproxy = try await haproxy?.answer(to: comparison.bytes)
                    return (index, answered)
                }
            }
            for _ in 0..<16 { add() }
            for try await (index, answered) in group {
                results[index] = answered
                add()
            }
            return results
        }
    }
}
