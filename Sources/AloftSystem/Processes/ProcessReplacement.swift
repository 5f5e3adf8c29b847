import CAloftSystem
import Glibc

/// Another program that this process becomes: it keeps the pid, the terminal, standard input and output.
package struct ProcessReplacement: Sendable {
    package var executable: String
    package var arguments: [String]
    /// `NAME=value`.
    package var environment: [String]
    package var directory: String
    /// Whose rights it has; nil: this process's own.
    package var rights: UserRights?

    package init(
        executable: String, arguments: [String], environment: [String], directory: String, rights: UserRights? = nil
    ) {
        self.rights = rights
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
    }

    /// Does not return where it succeeds.
    ///
    /// - Parameter kept: A descriptor besides 0, 1 and 2 that the program gets.
    package func become(keeping kept: Descriptor? = nil) throws(SystemError) -> Never {
        var argumentPointers = arguments.map { strdup($0) } + [nil]
        var environmentPointers = environment.map { strdup($0) } + [nil]
        let number = kept?.number ?? -1
        let code = UserRights.pointer(to: rights) { rights in
            aloft_become(executable, &argumentPointers, &environmentPointers, directory, number, rights)
        }
        for pointer in argumentPointers + environmentPointers { free(pointer) }
        throw SystemError("run", executable, code: code)
    }

    /// A file in memory that holds these lines, to be read from its beginning by whoever opens `path(of:)`.
    package static func memoryFile(_ lines: [String]) throws(SystemError) -> Descriptor {
        let number = aloft_memory_file()
        guard number >= 0 else { throw SystemError("make a file in memory") }
        let file = Descriptor(owning: number)
        try file.write(lines.map { "\($0)\n" }.joined().utf8)
        return file
    }

    package static func path(of file: Descriptor) -> String { "/proc/self/fd/\(file.number)" }
}
