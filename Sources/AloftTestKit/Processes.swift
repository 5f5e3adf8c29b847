import Foundation

/// What `/proc` says about processes.
package enum Processes {
    /// Processes whose working directory is `directory` or lies below it.
    package static func withDirectory(_ directory: String) -> [pid_t] {
        all.filter { pid in
            guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd") else {
                return false  // ended meanwhile, or not ours to see
            }
            return path == directory || path.hasPrefix(directory + "/")
        }
    }

    /// Processes that run this very file, by its absolute path.
    package static func running(program: String) -> [pid_t] {
        all.filter { pid in
            // Not ours to see, or ended: not one of them.
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")) == program
        }
    }

    /// Ends with SIGKILL whatever still runs in a test's own folder.
    package static func killAll(withDirectory directory: String) {
        for pid in withDirectory(directory) where pid != getpid() { kill(pid, SIGKILL) }
    }

    /// False once the process has ended, also while its parent has not waited for it.
    package static func isRunning(_ pid: pid_t) -> Bool {
        guard let stat = contents("/proc/\(pid)/stat"), let close = stat.lastIndex(of: ")") else { return false }
        let state = stat[stat.index(after: close)...].split(separator: " ").first
        return state != nil && state != "Z" && state != "X"
    }

    /// Those that have ended and wait for it to ask are among them.
    package static func children(of parent: pid_t) -> [pid_t] { rows.filter { $0.parent == parent }.map { $0.pid } }

    /// Processes with exactly these words as their command line.
    package static func withArguments(_ words: [String]) -> [pid_t] {
        let line = words.map { $0 + "\0" }.joined()
        return all.filter { contents("/proc/\($0)/cmdline") == line && isRunning($0) }
    }

    /// Children of `parent` that have ended and wait for it to ask.
    package static func zombies(of parent: pid_t) -> Int { rows.count { $0.parent == parent && $0.state == "Z" } }

    private static var rows: [(pid: pid_t, state: Substring, parent: pid_t)] {
        all.compactMap { pid in
            guard let stat = contents("/proc/\(pid)/stat"), let close = stat.lastIndex(of: ")") else { return nil }
            let fields = stat[stat.index(after: close)...].split(separator: " ")
            guard fields.count > 1, let parent = pid_t(fields[1]) else { return nil }
            return (pid, fields[0], parent)
        }
    }

    /// Resident memory of a process in bytes, without what it only shares with files.
    package static func residentBytes(_ pid: pid_t) throws -> Int {
        try bytes(pid, "VmRSS:")
    }

    /// Largest resident memory the process ever had, in bytes.
    package static func peakResidentBytes(_ pid: pid_t) throws -> Int {
        try bytes(pid, "VmHWM:")
    }

    /// Number of open files of a process.
    package static func openFiles(_ pid: pid_t) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
    }

    private static func bytes(_ pid: pid_t, _ field: String) throws -> Int {
        guard let status = contents("/proc/\(pid)/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix(field) }),
            let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        else { throw KitError.missing("no \(field) of process \(pid)") }
        return kibibytes << 10
    }

    private static var all: [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []  // always readable on Linux
        return names.compactMap { pid_t($0) }
    }

    /// FileManager reads by size, and files of `/proc` say 0.
    private static func contents(_ path: String) -> String? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { file.closeFile() }
        return String(decoding: file.readDataToEndOfFile(), as: UTF8.self)
    }
}
