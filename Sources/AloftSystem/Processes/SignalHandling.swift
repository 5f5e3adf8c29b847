import Glibc

/// What a process does with signals, as /proc/PID/status tells (proc(5)).
package struct SignalHandling: Sendable, Hashable {
    /// Bit N - 1 stands for signal N.
    private let blocked: UInt64
    private let ignored: UInt64
    private let caught: UInt64

    /// Nil where the text has not all three lines.
    package init?(status text: String) {
        var masks: [Substring: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, ["SigBlk", "SigIgn", "SigCgt"].contains(parts[0]) else { continue }
            masks[parts[0]] = UInt64(parts[1].filter { !$0.isWhitespace }, radix: 16)
        }
        guard let blocked = masks["SigBlk"], let ignored = masks["SigIgn"], let caught = masks["SigCgt"] else {
            return nil
        }
        (self.blocked, self.ignored, self.caught) = (blocked, ignored, caught)
    }

    /// Nil where the process has ended, or is another user's.
    package static func of(_ pid: Int32) -> SignalHandling? {
        guard let text = try? readText("/proc/\(pid)/status", limit: 16 << 10) else { return nil }
        return SignalHandling(status: text)
    }

    /// Whether the signal would end it: it has no handler, does not ignore it, and takes it from no queue.
    package func wouldEnd(by number: Int32) -> Bool {
        // Ignored unless a program says otherwise (signal(7)).
        if [SIGCHLD, SIGURG, SIGWINCH, SIGCONT].contains(number) { return false }
        return (blocked | ignored | caught) & (1 << UInt64(number - 1)) == 0
    }
}
