import CAloftSystem
import Glibc

/// A system call that failed: what was tried, on what, and the system's reason.
package struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// In plain words, completing "cannot …": `open`, `write`, `make a process`.
    package var operation: String
    /// File or other object of the operation, where there is one.
    package var subject: String?
    /// `errno`.
    package var code: Int32

    package init(_ operation: String, _ subject: String? = nil, code: Int32 = errno) {
        self.operation = operation
        self.subject = subject
        self.code = code
    }

    /// True where what was asked about does not exist (any more): a file, a process.
    package var isAbsence: Bool { code == ENOENT || code == ESRCH || code == ENODEV }

    /// `cannot open /x/y: No such file or directory`.
    package var description: String {
        "cannot \(operation)\(subject.map { " \($0)" } ?? ""): \(SystemError.text(code))"
    }

    /// The system's words for an `errno`.
    package static func text(_ code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        aloft_error_text(code, &buffer, buffer.count)
        return string(ofCharacters: buffer)
    }
}

/// The text before the first NUL.
func string(ofCharacters characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Repeats a call that a signal interrupted (EINTR).
func retrying<Result: FixedWidthInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}
