import AloftDaemon
import AloftLanguage
import ArgumentParser
import Foundation

/// Which `aloft.yaml` a command is about.
struct FileChoice: Sendable {
    static let standardName = "aloft.yaml"

    /// Absolute.
    let path: String

    /// The file that was named, else `aloft.yaml` here or in the nearest folder above that has one.
    ///
    /// A folder stands for the `aloft.yaml` in it.
    static func find(_ given: String?, workingDirectory: String = currentDirectory) throws(CommandFailure) -> FileChoice
    {
        if let given {
            let path = given.hasPrefix("/") ? given : "\(workingDirectory)/\(given)"
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
                throw CommandFailure(
                    "there is no file \(given)", hint: "name one that exists, or make one with `aloft init`",
                    code: "noFile", exitCode: .misuse)
            }
            return FileChoice(path: normal(isDirectory.boolValue ? "\(path)/\(standardName)" : path))
        }
        var folder = workingDirectory
        while true {
            let candidate = (folder == "/" ? "" : folder) + "/" + standardName
            if FileManager.default.fileExists(atPath: candidate) { return FileChoice(path: candidate) }
            guard folder != "/", let slash = folder.lastIndex(of: "/") else { break }
            folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
        }
        throw CommandFailure(
            "there is no \(standardName) in \(workingDirectory) or above",
            hint: "make one with `aloft init`, or name it: `--file path/to/\(standardName)`",
            code: "noFile", exitCode: .misuse)
    }

    static var currentDirectory: String { FileManager.default.currentDirectoryPath }

    /// A folder that was removed under a shell has no path any more, and what is relative to it would lie in `/`.
    static func requireCurrentDirectory() throws(CommandFailure) {
        guard !currentDirectory.hasPrefix("/") else { return }
        throw CommandFailure(
            "the current folder does not exist any more", hint: "`cd` to one that does", code: "noFolder",
            exitCode: .misuse)
    }

    /// `given`, else what `StatePaths` says of the file and the environment of it called `name`.
    func state(_ given: String?, name: String? = nil, environment: [String: String]) -> StatePaths {
        var variables = environment
        if let given { variables["ALOFT_STATE"] = given }
        return .of(
            file: path, environmentName: name, environment: variables, workingDirectory: Self.currentDirectory)
    }

    /// Reads and checks the file; prints nothing.
    ///
    /// - Parameter needsValues: A `${env.NAME}` without a value here is an error, and else a warning.
    func read(
        environment: String?, needsValues: Bool = true
    ) throws(CommandFailure) -> (source: SourceFile, reading: Reading) {
        let source: SourceFile
        do {
            source = try SourceFile.open(path)
        } catch {
            throw CommandFailure(error.description, code: "unreadableFile", exitCode: .misuse)
        }
        let named = SourceFile(name: shortName, directory: source.directory, bytes: source.bytes)
        let variables = ProcessInfo.processInfo.environment
        let reading =
            needsValues
            ? Language.read(
                named, environment: environment, variables: variables, envFiles: { EnvironmentFileContent.disk($0) })
            : Language.inspect(
                named, environment: environment, variables: variables, envFiles: { EnvironmentFileContent.disk($0) })
        return (named, reading)
    }

    /// Relative to the working directory where it is below it, as people and editors like it.
    var shortName: String {
        let here = Self.currentDirectory + "/"
        return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
    }

    private static func normal(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
}

/// `--json`, which every command takes.
struct OutputChoice: ParsableArguments {
    @Flag(name: .long, help: "Print JSON for programs instead of text for people.")
    var json = false
}
