import AloftSystem
import Glibc

/// A variable by which the processes of one command are known wherever they went, also to a daemon that did not start
/// them.
struct CommandMark: Sendable {
    static let name = "ALOFT_COMMAND"
    /// Bytes of an environment that are looked at.
    private static let mostBytes = 256 << 10

    /// Where processes of a command can be; looking at fewer costs less.
    enum Place: Sendable {
        /// In a cgroup that the command was started in.
        case cgroup(Cgroup)
        /// Among the orphans that this process adopts: who left its group has no parent any more once that has ended.
        case orphans
        /// Anywhere on this machine, as what another daemon or a container engine started.
        case everywhere
    }

    let variable: String

    init(_ mark: String) { variable = "\(Self.name)=\(mark)" }

    /// One that no other command has.
    static func unique() -> CommandMark { CommandMark("exec-\(UInt64.random(in: 0 ... .max))") }

    /// Kills until nothing is found any more.
    ///
    /// - Returns: What is still there after two seconds.
    func end(in place: Place = .everywhere, clock: any TimeSource) async throws -> [Int32] {
        let deadline = clock.now + .seconds(2)
        var pause = Duration.milliseconds(1)
        while true {
            let left = try find(in: place)
            if left.isEmpty || clock.now >= deadline { return left }
            for pid in left { Glibc.kill(pid, SIGKILL) }
            try await clock.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
    }

    /// Ends all that a command started: its group, and whatever has the mark.
    ///
    /// Finishes though the task be cancelled: what is left then would stay for good.
    func end(_ watch: ProcessWatch, in place: Place, clock: any TimeSource) async throws {
        try ProcessGroup.signal(watch.identity.pid, SIGKILL)
        _ = try await Task {
            // Those who left its group are orphans only once it has ended.
            _ = await within(.seconds(2), clock: clock) { await watch.wait() }
            return try await end(in: place, clock: clock)
        }.value
    }

    private func find(in place: Place) throws(SystemError) -> [Int32] {
        let candidates: [Int32]
        switch place {
        case .cgroup(let cgroup): candidates = try cgroup.pids()
        case .orphans:
            if let orphans = try Orphans.living() {
                candidates = orphans
            } else {
                candidates = try Self.everybody()
            }
        case .everywhere: candidates = try Self.everybody()
        }
        let own = getpid()
        return candidates.filter { $0 > 1 && $0 != own && isIn($0) }
    }

    private static func everybody() throws(SystemError) -> [Int32] {
        let rows = try ProcessRow.all()
        return rows.filter { !$0.hasEnded }.map(\.pid)
    }

    private func isIn(_ pid: Int32) -> Bool {
        do throws(SystemError) {
            // Empty for one that has ended and was not reaped.
            let text = try readText("/proc/\(pid)/environ", limit: Self.mostBytes)
            return text.utf8.split(separator: 0).contains { $0.elementsEqual(variable.utf8) }
        } catch {
            // Ended meanwhile, or another user's: a command of this daemon is neither.
            return false
        }
    }
}
