import CAloftSystem
import Glibc

/// Starts a copy of this program that outlives the terminal, and hears how its start went.
package enum Detachment {
    /// The descriptor on which the copy says how its start went.
    package static let reportDescriptor: Int32 = 3

    /// Runs this program again with `arguments`, in a session of its own, stdin empty, both outputs appended to `log`.
    ///
    /// Returns the copy's pid and everything it wrote to ``reportDescriptor`` until it closed that. Waits for as long
    /// as the copy lives and keeps it open: the copy limits its own start.
    package static func start(
        arguments: [String], environment: [String: String], log: String
    ) throws(SystemError) -> (pid: Int32, report: [UInt8]) {
        var ends: [Int32] = [-1, -1]
        guard aloft_pipe(&ends) == 0 else { throw SystemError("make a pipe") }
        defer { close(ends[0]) }
        let pid: Int32
        do {
            pid = try spawn(arguments: arguments, environment: environment, log: log, report: ends[1])
        } catch {
            close(ends[1])
            throw error
        }
        close(ends[1])
        return (pid, try readAll(ends[0]))
    }

    /// The copy has said how its start went; whoever waits for it goes on.
    package static func closeReport() { close(reportDescriptor) }

    /// Gives this process the name of its program in `ps`, `ss` and `top`: started as `/proc/self/exe`, it is called `exe`.
    package static func nameProcess() {
        let name = Array(CommandLine.arguments.first?.utf8.split(separator: UInt8(ascii: "/")).last ?? [])
        let file = open("/proc/self/comm", O_WRONLY | O_CLOEXEC)
        guard !name.isEmpty, file >= 0 else { return }
        // A name that is not taken leaves the process with the one it has: nothing depends on it.
        _ = write(file, name, name.count)
        close(file)
    }

    private static func spawn(
        arguments: [String], environment: [String: String], log: String, report: Int32
    ) throws(SystemError) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        posix_spawn_file_actions_adddup2(&actions, report, reportDescriptor)
        // Whoever started this program may wait for the end of a pipe that the copy would hold open for good.
        aloft_spawn_close_from(&actions, reportDescriptor + 1)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, aloft_spawn_new_session())
        var pid: pid_t = 0
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let code = withCStrings(arguments) { argv in
            withCStrings(variables) { envp in
                posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv, envp)
            }
        }
        guard code == 0 else { throw SystemError("start the daemon with its log", log, code: code) }
        return pid
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress.unsafelyUnwrapped) }
    }

    private static func readAll(_ descriptor: Int32) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 1 << 16 {
            let count = retrying { read(descriptor, &buffer, buffer.count) }
            guard count >= 0 else { throw SystemError("read how the start went") }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes
    }
}
