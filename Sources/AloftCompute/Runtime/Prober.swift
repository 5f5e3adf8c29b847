import AloftModel
import AloftSystem
import AsyncHTTPClient
import NIOCore

/// What one probe heard.
struct ProbeAnswer: Sendable, Hashable {
    var passed: Bool
    /// For people: `HTTP 503: "warming up"`, `connection refused`.
    var text: String
}

/// Asks replicas how they are.
struct Prober: Sendable {
    /// Bytes of a failed probe's body that are kept.
    static let bodyLimit = 200

    let client: HTTPClient
    let hostEnvironment: [String: String]

    /// Never takes longer than the probe's timeout, and a moment.
    func ask(_ probe: ProbeSpec, of replica: any RunningReplica, service: ServiceSpec) async -> ProbeAnswer {
        switch probe.check {
        case .httpGet(let path):
            await get(path, at: replica.record.address, timeout: probe.timeout)
        case .tcpSocket:
            await connect(to: replica.record.address, timeout: probe.timeout)
        case .exec(let command):
            await exec(command, beside: replica, service: service, timeout: probe.timeout)
        }
    }

    func connect(to address: ReplicaAddress, timeout: Duration) async -> ProbeAnswer {
        let problem: SystemError? =
            switch address {
            case .port(let port): await Connect.check(port: port, timeout: timeout)
            case .unix(let path): await Connect.check(socket: path, timeout: timeout)
            }
        return ProbeAnswer(passed: problem == nil, text: problem?.description ?? "accepts connections")
    }

    // MARK: HTTP

    private func get(_ path: String, at address: ReplicaAddress, timeout: Duration) async -> ProbeAnswer {
        var request = HTTPClientRequest(url: Self.url(path, at: address))
        // Each time a new connection, as each new client needs one.
        request.headers.add(name: "Connection", value: "close")
        request.headers.add(name: "User-Agent", value: "aloft-probe")
        let prepared = request
        return await withTaskGroup(of: ProbeAnswer?.self) { group in
            group.addTask { await answer(to: prepared, timeout: timeout) }
            group.addTask {
                // Cancelled once the answer is there.
                try? await Task.sleep(for: timeout)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first ?? ProbeAnswer(passed: false, text: "timed out after \(timeout.quantity)")
        }
    }

    private func answer(to request: HTTPClientRequest, timeout: Duration) async -> ProbeAnswer {
        do {
            // The group's own limit is the one that counts; this one only makes sure that nothing stays.
            let limit = TimeAmount.nanoseconds(timeout.nanoseconds) + .milliseconds(100)
            let response = try await client.execute(request, timeout: limit)
            let passed = (200..<400).contains(response.status.code)
            if passed { return ProbeAnswer(passed: true, text: "HTTP \(response.status.code)") }
            var body: [UInt8] = []
            for try await part in response.body {
                body += part.readableBytesView.prefix(Self.bodyLimit - body.count)
                if body.count >= Self.bodyLimit { break }
            }
            return ProbeAnswer(passed: false, text: "HTTP \(response.status.code)" + Self.quoted(body))
        } catch {
            return ProbeAnswer(passed: false, text: Self.reason(error))
        }
    }

    static func url(_ path: String, at address: ReplicaAddress) -> String {
        switch address {
        case .port(let port): "http://127.0.0.1:\(port)\(path)"
        case .unix(let socket): "http+unix://\(percentEncoded(socket))\(path)"
        }
    }

    /// Every byte but unreserved ones (RFC 3986 §2.3), so that the whole path of the socket reads as a host.
    static func percentEncoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let scalar = Unicode.Scalar(byte)
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
            if isPlain || "-._~".unicodeScalars.contains(scalar) {
                result.unicodeScalars.append(scalar)
            } else {
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError: "cannot connect: \(SystemError.text(error.errnoCode))"
        case let error as HTTPClientError where error == .connectTimeout: "timed out while connecting"
        case let error as HTTPClientError where error == .remoteConnectionClosed: "closed before it answered"
        default: "\(error)"
        }
    }

    // MARK: commands

    private func exec(
        _ command: [Template], beside replica: any RunningReplica, service: ServiceSpec, timeout: Duration
    ) async -> ProbeAnswer {
        do {
            let record = replica.record
            let plan = try LaunchPlan(
                service, replica: record.id, address: record.address, host: hostEnvironment)
            let arguments = try LaunchPlan.command(command, address: record.address, host: hostEnvironment)
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

    /// `: "text"` on one line; nothing for nothing.
    static func quoted(_ bytes: [UInt8]) -> String {
        if bytes.isEmpty { return "" }
        let text = String(decoding: bytes.prefix(bodyLimit), as: UTF8.self)
        let line = text.split { $0.isNewline }.joined(separator: " ⏎ ")
        return
            ": \"\(String(line.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) }))\""
    }
}
