import AloftSystem
import Glibc

/// A variable by which the processes of one command are known wherever they went, also to a daemon that did not start
/// them.
struct CommandMark: Sendable {
    static let name = "ALOFT_COMMAND"
    /// Bytes of an environment that are looked at.
    private static let mostBytes = 256 << 10

    let variable: String

    init(_ mark: String) { variable = "\(Self.name)=\(mark)" }

    func kill() throws(SystemError) {
        for pid in try find() { Glibc.kill(pid, SIGKILL) }
    }

    /// Kills until nothing is found any more.
    ///
    /// - Returns: What is still there after two seconds.
    func end(clock: any TimeSource) async throws -> [Int32] {
        let deadline = clock.now + .seconds(2)
        var pause = Duration.milliseconds(1)
        while true {
            let left = try find()
            if left.isEmpty || clock.now >= deadline { return left }
            for pid in left { Glibc.kill(pid, SIGKILL) }
            try await clock.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
    }

    private func find() throws(SystemError) -> [Int32] {
        var found: [Int32] = []
        for row in try ProcessRow.all() where !row.hasEnded && row.pid > 1 && row.pid != getpid() {
            if isIn(row.pid) { found.append(row.pid) }
        }
        return found
    }

    private func isIn(_ pid: Int32) -> Bool {
        do throws(SystemError) {
            let text = try readText("/proc/\(pid)/environ", limit: Self.mostBytes)
            return text.utf8.split(separator: 0).contains { $0.elementsEqual(variable.utf8) }
        } catch {
            // Ended meanwhile, or another user's: a command of this daemon is neither.
            return false
        }
    }
}
