import AloftSystem
import Foundation
import Synchronization

/// Where commands print: stdout for answers, stderr for complaints.
struct Terminal: Sendable {
    let palette: Palette
    /// TERM says that it can do nothing but print.
    let isDumb: Bool
    private let complaints: Palette

    static let standard = Terminal(environment: ProcessInfo.processInfo.environment)

    init(environment: [String: String]) {
        palette = .suited(isTerminal: OwnProcess.isTerminal(1), environment: environment)
        isDumb = environment["TERM"] == "dumb"
        complaints = .suited(isTerminal: OwnProcess.isTerminal(2), environment: environment)
    }

    /// Columns of the terminal on stdout, now; nil where it is none.
    var width: Int? { OwnProcess.isTerminal(1) ? OwnProcess.terminalWidth(1) : nil }

    /// False where the reader is gone (`aloft logs | head`), or the disk behind standard output is full.
    @discardableResult
    func say(_ text: String) -> Bool { say(bytes: Array(text.utf8)) }

    /// Bytes of another program, as they are.
    @discardableResult
    func say(bytes: [UInt8]) -> Bool {
        if OwnProcess.write(bytes, to: 1) { return true }
        let code = errno
        Self.lost.withLock { $0 = $0 ?? code }
        return false
    }

    /// The first error of standard output; nil where all of it was written.
    private static let lost = Mutex<Int32?>(nil)

    /// Fails a command whose output is not complete, whatever else it did. A reader that closed its end (EPIPE) wanted no more.
    static var lostOutput: CommandFailure? {
        guard let code = lost.withLock({ $0 }), code != EPIPE else { return nil }
        return CommandFailure(
            SystemError("write the output", code: code).description,
            hint: "the output is not complete: make room, or send it elsewhere", code: "output")
    }

    func complain(_ text: String) { OwnProcess.write(Array(text.utf8), to: 2) }

    /// Prints a value as one JSON document.
    func say(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        say(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n")
    }

    /// A value as one line of JSON with its line break.
    ///
    /// - Precondition: the value can be written as JSON, as all that commands print can.
    static func jsonLine(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
        } catch {
            preconditionFailure("\(type(of: value)) cannot be written as JSON: \(error)")
        }
    }

    func report(_ failure: CommandFailure, asJSON: Bool) {
        if asJSON { return complain(failure.jsonLine) }
        var text = complaints(.red, "error:") + " \(failure.message)\n"
        if let hint = failure.hint { text += "  \(complaints(.green, "fix:")) \(hint)\n" }
        complain(text)
    }
}

extension CommandFailure {
    /// The control API's error body.
    fileprivate var jsonLine: String {
        struct Body: Encodable {
            struct Failure: Encodable {
                var code: String
                var message: String
                var hint: String?
            }
            var error: Failure
        }
        return Terminal.jsonLine(Body(error: .init(code: code, message: message, hint: hint)))
    }
}
