import Glibc

/// Finds the file of a program's name, as a shell does (POSIX.1, "Command Search and Execution").
package enum ProgramPath {
    package enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        /// Nothing of that name; the folders that were looked in, empty for a name with a slash.
        case missing(program: String, directory: String, searched: [String])
        /// A file of that name that this user may not run.
        case notExecutable(path: String)

        package var description: String {
            switch self {
            case .missing(let program, let directory, let searched) where searched.isEmpty:
                "no such program `\(program)` in \(directory); build it first, or correct `command`"
            case .missing(let program, _, let searched):
                "no program `\(program)` in PATH (\(searched.joined(separator: ":"))); install it, or write its path"
            case .notExecutable(let path):
                "`\(path)` is not executable; `chmod +x` it, or name its interpreter first in `command`"
            }
        }
    }

    /// - Parameter program: With a slash, a path relative to `directory`; without, a name looked up in `path`.
    package static func find(_ program: String, directory: String, path: String) throws(Failure) -> String {
        if program.contains("/") {
            let file = program.hasPrefix("/") ? program : "\(directory)/\(program)"
            switch kind(of: file) {
            case .program: return file
            case .notExecutable: throw .notExecutable(path: file)
            case .nothing: throw .missing(program: program, directory: directory, searched: [])
            }
        }
        var unusable: String?
        let folders = path.split(separator: ":").map(String.init)
        for folder in folders {
            let file = folder.hasPrefix("/") ? "\(folder)/\(program)" : "\(directory)/\(folder)/\(program)"
            switch kind(of: file) {
            case .program: return file
            case .notExecutable: unusable = unusable ?? file
            case .nothing: continue
            }
        }
        if let unusable { throw .notExecutable(path: unusable) }
        throw .missing(program: program, directory: directory, searched: folders)
    }

    private enum Kind { case program, notExecutable, nothing }

    private static func kind(of file: String) -> Kind {
        var status = stat()
        guard stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return .nothing }
        return access(file, X_OK) == 0 ? .program : .notExecutable
    }
}
