import CAloftSystem
import Glibc

/// One line of `/proc/PID/stat` (proc_pid_stat(5)): what is needed to group processes and to measure them.
package struct ProcessRow: Sendable, Hashable {
    package var pid: Int32
    /// `R`, `S`, `D`, `Z` …
    package var state: Character
    package var parent: Int32
    package var group: Int32
    package var session: Int32
    /// User and system time together, without children, in clock ticks.
    package var cpuTicks: UInt64
    package var startTicks: UInt64
    /// Pages in memory.
    package var residentPages: UInt64

    /// True for a process that ended and waits to be reaped.
    package var hasEnded: Bool { state == "Z" || state == "X" }

    package init(pid: Int32) throws(SystemError) {
        let text = try readText("/proc/\(pid)/stat", limit: 4096)
        guard let row = ProcessRow(parsing: text) else {
            throw SystemError("understand", "/proc/\(pid)/stat", code: EINVAL)
        }
        self = row
    }

    /// - Returns: Nil for a line that is not of that form. The name may hold spaces and brackets: the last one counts.
    package init?(parsing text: String) {
        guard let close = text.lastIndex(of: ")"), let open = text.firstIndex(of: "("), open < close,
            let pid = Int32(text[..<open].trimmingSpaces)
        else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 21, let state = fields[0].first, let parent = Int32(fields[1]),
            let group = Int32(fields[2]), let session = Int32(fields[3]), let user = UInt64(fields[11]),
            let system = UInt64(fields[12]), let start = UInt64(fields[19]), let pages = UInt64(fields[21])
        else { return nil }
        self.pid = pid
        self.state = state
        self.parent = parent
        self.group = group
        self.session = session
        cpuTicks = user + system
        startTicks = start
        residentPages = pages
    }

    /// Every process of the machine; one that ends meanwhile is left out.
    package static func all() throws(SystemError) -> [ProcessRow] {
        var rows: [ProcessRow] = []
        for name in try Directories.names(in: "/proc") {
            guard let pid = Int32(name) else { continue }
            do throws(SystemError) {
                rows.append(try ProcessRow(pid: pid))
            } catch {
                if !error.isAbsence { throw error }
            }
        }
        return rows
    }
}

extension Substring {
    var trimmingSpaces: Substring {
        var rest = drop { $0 == " " }
        while rest.last == " " { rest.removeLast() }
        return rest
    }
}
