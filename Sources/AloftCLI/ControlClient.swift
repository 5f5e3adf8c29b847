import AloftDaemon
import AloftSystem
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Speaks the control API over the daemon's Unix socket.
struct ControlClient: Sendable {
    /// A reload waits for certificates and listeners; what takes longer says so where it is sent.
    static let answerTimeout = TimeAmount.seconds(60)
    /// Largest answer, and largest line of a stream.
    static let answerLimit = 16 << 20

    let paths: StatePaths

    /// Lives as long as the process. It does not try again to connect: a socket that nobody answers on means that no
    /// daemon runs, and that is for the user to hear at once.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    func get<Value: Decodable & Sendable>(_ path: String) async throws(CommandFailure) -> Value {
        try await decode(.GET, path, body: nil, type: nil, within: Self.answerTimeout)
    }

    /// - Parameter within: how long the daemon may take for its answer.
    func post<Value: Decodable & Sendable>(
        _ path: String, _ body: [UInt8] = [], within: TimeAmount = answerTimeout
    ) async throws(CommandFailure) -> Value {
        try await decode(.POST, path, body: body, type: nil, within: within)
    }

    func post<Value: Decodable & Sendable>(
        _ path: String, json body: some Encodable, within: TimeAmount = answerTimeout
    ) async throws(CommandFailure) -> Value {
        try await decode(
            .POST, path, body: Array(Terminal.jsonLine(body).utf8), type: "application/json", within: within)
    }

    /// The lines of a streamed answer until it ends, the task is cancelled, or `take` returns false.
    func lines(_ path: String, _ take: ([UInt8]) throws -> Bool) async throws {
        try await lines(of: try await send(.GET, path, body: nil, deadline: .distantFuture), take)
    }

    /// The same, of an answer to what is sent with `body`.
    func lines(_ path: String, json body: some Encodable, _ take: ([UInt8]) throws -> Bool) async throws {
        let bytes = Array(Terminal.jsonLine(body).utf8)
        try await lines(of: try await send(.POST, path, body: bytes, deadline: .distantFuture), take)
    }

    private func lines(of response: HTTPClientResponse, _ take: ([UInt8]) throws -> Bool) async throws {
        guard (200..<300).contains(response.status.code) else { throw await failure(in: response) }
        var rest: [UInt8] = []
        var pieces = response.body.makeAsyncIterator()
        while let piece = try await next(&pieces) {
            rest += Array(buffer: piece)
            while let end = rest.firstIndex(of: 0x0A) {
                guard try take(Array(rest[..<end])) else { return }
                rest.removeFirst(end + 1)
            }
            guard rest.count <= Self.answerLimit else { throw unreadable("a line is too long") }
        }
    }

    private func next(_ pieces: inout HTTPClientResponse.Body.AsyncIterator) async throws -> ByteBuffer? {
        do {
            return try await pieces.next()
        } catch {
            try Task.checkCancellation()
            throw CommandFailure(
                "the daemon ended before its answer did (\(error))",
                hint: "`aloft events` and \(paths.daemonLog) say why", code: "connectionLost")
        }
    }

    private func decode<Value: Decodable & Sendable>(
        _ method: HTTPMethod, _ path: String, body: [UInt8]?, type: String?, within: TimeAmount
    ) async throws(CommandFailure) -> Value {
        let response = try await send(method, path, body: body, type: type, deadline: .now() + within)
        guard (200..<300).contains(response.status.code) else { throw await failure(in: response) }
        do {
            let bytes = try await response.body.collect(upTo: Self.answerLimit)
            return try JSONDecoder().decode(Value.self, from: Data(buffer: bytes))
        } catch {
            throw unreadable("\(error)")
        }
    }

    private func send(
        _ method: HTTPMethod, _ path: String, body: [UInt8]?, type: String? = nil, deadline: NIODeadline
    ) async throws(CommandFailure) -> HTTPClientResponse {
        let socket: SocketPath
        do {
            socket = try SocketPath(paths.controlSocket)
        } catch {
            throw unreachable(error, code: error.code)
        }
        defer { withExtendedLifetime(socket) {} }
        guard let url = URL(httpURLWithSocketPath: socket.text, uri: "/v1/\(path)") else {
            throw unreadable("\(paths.controlSocket) is no path for a socket")
        }
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = method
        if let body { request.body = .bytes(body) }
        if let type { request.headers.add(name: "content-type", value: type) }
        do {
            return try await Self.client.execute(request, deadline: deadline)
        } catch {
            throw unreachable(error, code: (error as? IOError)?.errnoCode)
        }
    }

    private func failure(in response: HTTPClientResponse) async -> CommandFailure {
        do {
            let bytes = try await response.body.collect(upTo: Self.answerLimit)
            let failure = try JSONDecoder().decode(ControlFailure.Envelope.self, from: Data(buffer: bytes)).error
            let isMisuse = [.invalidFile, .unknownService, .outOfBounds].contains(failure.code)
            return CommandFailure(
                failure.message, hint: failure.hint, code: failure.code.rawValue,
                exitCode: isMisuse ? .misuse : .failed)
        } catch  where (400..<500).contains(response.status.code) {
            return CommandFailure(
                "the daemon refused the request: HTTP \(response.status.code)",
                hint: "a name in it may be too long or malformed; nothing was changed", code: "refused")
        } catch {
            return unreadable("status \(response.status.code)")
        }
    }

    private func unreachable(_ error: any Error, code: Int32?) -> CommandFailure {
        switch code {
        case ENOENT?:
            CommandFailure("no daemon runs on \(paths.directory)", hint: startHint, code: "notRunning")
        case ECONNREFUSED?:
            CommandFailure(
                "no daemon runs on \(paths.directory): the last one was killed, its replicas may still run",
                hint: startHint, code: "notRunning")
        case EACCES?, EPERM?: denied
        default:
            CommandFailure(
                "the daemon of \(paths.directory) did not answer: \(error)", hint: waitHint, code: "noAnswer")
        }
    }

    private var startHint: String {
        "start it with `\(Self.start(paths))`, or name its state directory with --state"
    }

    /// Only a daemon that runs is to be killed.
    private var waitHint: String {
        guard let pid = LockFile.holder(of: paths.lock), (try? ProcessIdentity(of: pid)) != nil else {
            return "try again; \(paths.daemonLog) may say why"
        }
        return "try again; if it stays so, `kill -9 \(pid)` and `aloft up` lose no replica"
    }

    /// Its folder and socket are for one user alone.
    private var denied: CommandFailure {
        let owner = UserName.otherOwner(of: paths.directory)
        let whose = owner.map { " belongs to the user \($0)" } ?? " is closed to this user"
        let words = CommandLine.arguments.map(\.shellWord).joined(separator: " ")
        return CommandFailure(
            "the daemon of \(paths.directory)\(whose), and you are \(UserName.current)",
            hint: "ask as that user: `sudo \(owner.map { $0 == "root" ? "" : "-u \($0.shellWord) " } ?? "")\(words)`",
            code: "notPermitted")
    }

    /// The command that starts the daemon of this state directory.
    static func start(_ paths: StatePaths) -> String {
        let folder = paths.directory.split(separator: "/").last ?? ""
        guard folder.hasPrefix(".aloft-"), let name = EnvironmentName(argument: String(folder.dropFirst(7))) else {
            return "aloft up"
        }
        return "aloft up --env \(name.text)"
    }

    private func unreadable(_ why: String) -> CommandFailure {
        CommandFailure(
            "the daemon's answer was not understood: \(why)",
            hint: "is it of another version? `aloft --version` is \(Version.current); `aloft down`, then `aloft up`",
            code: "unreadableAnswer")
    }
}
