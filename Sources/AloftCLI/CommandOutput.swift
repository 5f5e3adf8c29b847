import AloftDaemon
import ArgumentParser
import Foundation

/// What a command that the daemon runs prints, passed on as it comes, and its exit code.
struct CommandOutput: Sendable {
    let client: ControlClient
    let json: Bool
    /// The options that name the daemon, for the commands that are proposed.
    let typed: String

    /// Asks for it and follows it to its end.
    ///
    /// - Throws: `ExitCode` with the command's own, 128 and the number of the signal that ended it; `CommandFailure` where
    ///   it was not run.
    func follow(_ path: String, json body: some Encodable) async throws {
        var end: ExecLine?
        var isRead = true
        try await client.lines(path, json: body) { bytes in
            let line = try JSONDecoder().decode(ExecLine.self, from: Data(bytes))
            if line.isEnd { end = line }
            isRead = try show(line)
            return isRead && end == nil
        }
        guard isRead else {
            // A closed pipe ends it silently, with the exit code of SIGPIPE.
            throw Terminal.lostOutput.map { $0 as any Error } ?? ExitCode(128 + SIGPIPE)
        }
        try finish(end)
    }

    /// False where nobody reads any more.
    private func show(_ line: ExecLine) throws -> Bool {
        if json { return Terminal.standard.say(Terminal.jsonLine(line)) }
        guard let output = line.output else { return true }
        guard let bytes = Data(base64Encoded: output) else {
            throw CommandFailure("the daemon's answer was not understood: output that is no base64")
        }
        return Terminal.standard.say(bytes: Array(bytes))
    }

    private func finish(_ end: ExecLine?) throws {
        guard let end else {
            throw CommandFailure(
                "the command's end was not heard of", hint: "`aloft events\(typed)` says what happened",
                code: "connectionLost")
        }
        if let failure = end.failure { throw CommandFailure(failure) }
        let code = end.signal.map { 128 + $0 } ?? end.exitCode ?? 0
        if code != 0 { throw ExitCode(Int32(clamping: code)) }
    }
}

extension ExecLine {
    /// The last line of an answer.
    fileprivate var isEnd: Bool { exitCode != nil || signal != nil || failure != nil }
}
