import AloftModel
import AloftSystem
import Glibc

/// What one probe heard.
struct ProbeAnswer: Sendable, Hashable {
    var passed: Bool
    /// For people: `HTTP 503: "warming up"`, `cannot connect to 127.0.0.1:20001: Connection refused`.
    var text: String
    /// Nobody accepted the connection, or whoever did closed it at once.
    var isUnanswered = false
    /// Where the program does listen, where that is not where it should.
    var listens: String?

    static func failed(_ error: SystemError) -> ProbeAnswer {
        ProbeAnswer(
            passed: false, text: error.description,
            isUnanswered: [ECONNREFUSED, ENOENT, ECONNRESET].contains(error.code))
    }
}

/// Asks replicas how they are.
///
/// HTTP is spoken here over a plain connection: a client library with its pools took 1.7 times the processor time for
/// each probe and kept 4 KiB for every port it ever saw (measured, DESIGN.md).
struct Prober: Sendable {
    /// Bytes of a failed probe's body that are kept.
    static let bodyLimit = 200
    /// A program that does not listen after so long is looked at.
    static let startTime = Duration.seconds(1)

    let hostEnvironment: [String: String]
    let clock: any TimeSource

    /// Never takes longer than the probe's timeout, and a moment.
    func ask(_ probe: ProbeSpec, of replica: any RunningReplica, service: ServiceSpec) async -> ProbeAnswer {
        if case .exec(let command) = probe.check {
            return await exec(command, beside: replica, service: service, timeout: probe.timeout)
        }
        guard let address = replica.record.address.local else { return Self.nowhere }
        guard case .httpGet(let asked) = probe.check else {
            return await accepts(replica, container: service.container, within: probe.timeout)
        }
        return explained(await limited(probe.timeout) { await get(asked, at: address) }, replica, service.container)
    }

    private static let nowhere = ProbeAnswer(
        passed: false, text: "listens nowhere (`listen: none`): only `exec` can ask it")

    /// Whether a connection is accepted.
    func accepts(
        _ replica: any RunningReplica, container: ContainerSpec? = nil, within limit: Duration
    ) async -> ProbeAnswer {
        guard let address = replica.record.address.local else { return Self.nowhere }
        return explained(await limited(limit) { await connect(to: address) }, replica, container)
    }

    /// Adds where the program listens, which "connection refused" leaves to guess.
    private func explained(
        _ answer: ProbeAnswer, _ replica: any RunningReplica, _ container: ContainerSpec?
    ) -> ProbeAnswer {
        let started = replica.record.started.nanoseconds
        guard answer.isUnanswered, clock.wallNanoseconds - started >= Self.startTime.nanoseconds else { return answer }
        let pids = replica.processes()
        if pids.isEmpty { return answer }
        let found = ListeningSocket.of(pids)
        guard
            let place = ListeningPlace.words(expecting: replica.innerAddress, found: found, container: container)
        else { return answer }
        var answer = answer
        answer.text += "; \(place)"
        // Many programs take longer than this to listen at all.
        if !found.isEmpty { answer.listens = place }
        return answer
    }

    private func limited(
        _ limit: Duration, _ question: @escaping @Sendable () async -> ProbeAnswer
    ) async -> ProbeAnswer {
        await within(limit, clock: clock, question)
            ?? ProbeAnswer(passed: false, text: "timed out after \(limit.quantity)")
    }

    private func connect(to address: LocalAddress) async -> ProbeAnswer {
        do throws(SystemError) {
            _ = try await LocalConnection(to: address)
            return ProbeAnswer(passed: true, text: "accepts connections")
        } catch {
            return .failed(error)
        }
    }

    private func get(_ asked: HTTPProbe, at address: LocalAddress) async -> ProbeAnswer {
        do throws(SystemError) {
            let connection = try await LocalConnection(to: address)
            try await connection.send(ProbeResponse.request(asked))
            return try await answer(on: connection, to: asked)
        } catch {
            return .failed(error)
        }
    }

    /// Reads to the end of the answer, so that the replica does not write to a closed connection.
    private func answer(on connection: LocalConnection, to asked: HTTPProbe) async throws(SystemError) -> ProbeAnswer {
        var bytes: [UInt8] = []
        while true {
            let part: [UInt8]
            do throws(SystemError) {
                part = try await connection.receive(upTo: 8 << 10)
            } catch {
                // An answer whose head came in time counts, whatever became of its body.
                if let response = ProbeResponse.head(of: bytes) { return Self.answer(to: response, asked) }
                throw error
            }
            bytes += part
            switch ProbeResponse.parse(bytes, ended: part.isEmpty) {
            case .complete(let response): return Self.answer(to: response, asked)
            case .malformed where bytes.isEmpty:
                return ProbeAnswer(
                    passed: false, text: "closed the connection before it answered", isUnanswered: true)
            case .malformed: return ProbeAnswer(passed: false, text: "does not answer in HTTP" + Self.quoted(bytes))
            case .incomplete: continue
            }
        }
    }

    static func answer(to response: ProbeResponse, _ asked: HTTPProbe) -> ProbeAnswer {
        let passed = (200..<400).contains(response.status)
        guard !passed else { return ProbeAnswer(passed: true, text: "HTTP \(response.status)") }
        var text = "HTTP \(response.status)" + quoted(response.body)
        if let host = asked.host {
            text += " (asked as \(host))"
        } else if [400, 403, 421].contains(response.status) {
            text += " (asked as localhost; an app that answers certain hosts only needs `httpGet: {path, host}`)"
        }
        return ProbeAnswer(passed: false, text: text)
    }

    // MARK: commands

    private func exec(
        _ command: [Template], beside replica: any RunningReplica, service: ServiceSpec, timeout: Duration
    ) async -> ProbeAnswer {
        do {
            let record = replica.record
            let plan = try LaunchPlan(
                service, replica: record.id, address: replica.innerAddress, host: hostEnvironment
            ).asUser(of: service)
            let arguments = try LaunchPlan.command(command, address: replica.innerAddress, host: hostEnvironment)
            return Self.answer(to: await replica.exec(arguments, environment: plan, timeout: timeout), timeout)
        } catch {
            return ProbeAnswer(passed: false, text: "\(error)")
        }
    }

    static func answer(to outcome: ExecOutcome, _ timeout: Duration) -> ProbeAnswer {
        switch outcome {
        case .ended(.exited(0), _): ProbeAnswer(passed: true, text: "exit code 0")
        case .ended(.exited(let code), let output):
            ProbeAnswer(passed: false, text: "exit code \(code)" + quoted(output))
        case .ended(.signaled(let number), let output):
            ProbeAnswer(passed: false, text: "killed by \(signalName(number))" + quoted(output))
        case .ended(.unknown, let output): ProbeAnswer(passed: false, text: "ended" + quoted(output))
        case .timedOut(let output):
            ProbeAnswer(passed: false, text: "timed out after \(timeout.quantity)" + quoted(output))
        case .notStarted(let reason): ProbeAnswer(passed: false, text: reason)
        }
    }

    /// `: "text"` on one line, cut; nothing for nothing.
    static func quoted(_ bytes: [UInt8]) -> String {
        if bytes.isEmpty { return "" }
        let text = String(decoding: bytes.prefix(bodyLimit), as: UTF8.self)
        let line = text.split { $0.isNewline }.joined(separator: " ⏎ ")
        let plain = line.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) }
        return ": \"\(String(plain))\""
    }
}

extension ReplicaAddress {
    /// Nil for a worker.
    var local: LocalAddress? {
        switch self {
        case .port(let port): .port(port)
        case .unix(let path): .unix(path)
        case .nowhere: nil
        }
    }
}
