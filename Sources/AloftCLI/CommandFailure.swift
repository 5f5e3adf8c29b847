import ArgumentParser

/// Why a command did not do what it was asked to: what failed, why, and what to do about it.
package struct CommandFailure: Error, Sendable, Hashable {
    /// 1 is failed, 2 is wrong usage or a wrong file.
    package enum ExitCode: Int32, Sendable {
        case failed = 1
        case misuse = 2
    }

    package var exitCode: ExitCode
    /// Closed vocabulary for scripts: the control API's codes, and the command line's own.
    package var code: String
    package var message: String
    package var hint: String?

    package init(_ message: String, hint: String? = nil, code: String = "failed", exitCode: ExitCode = .failed) {
        self.exitCode = exitCode
        self.code = code
        self.message = message
        self.hint = hint
    }
}

extension CommandFailure: CustomStringConvertible {
    package var description: String { "error: \(message)" + (hint.map { "\n  fix: \($0)" } ?? "") }
}

extension CommandFailure.ExitCode {
    /// Ends the command with this code and without another word: all is said.
    var error: ArgumentParser.ExitCode { ArgumentParser.ExitCode(rawValue) }
}
