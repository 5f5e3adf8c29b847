import AloftModel
import Foundation

/// What was found where a file of `envFiles` should be.
package enum EnvironmentFileContent: Sendable {
    case text([UInt8], isReadableByAll: Bool)
    case missing
    /// A folder, a pipe, a device.
    case notAFile
    case unreadable(String)

    /// Reads a file of this machine, a little more than the longest one at most.
    package static func disk(_ path: String) -> EnvironmentFileContent {
        let target = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        guard FileManager.default.fileExists(atPath: target.path) else { return .missing }
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: target.path)
            guard attributes[.type] as? FileAttributeType == .typeRegular else { return .notAFile }
            let handle = try FileHandle(forReadingFrom: target)
            let bytes = try handle.read(upToCount: DotEnv.longestFile + 8) ?? Data()
            try handle.close()
            let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
            return .text(Array(bytes), isReadableByAll: mode & 0o004 != 0)
        } catch {
            return .unreadable(error.localizedDescription)
        }
    }
}

/// Reads the files of `envFiles` and says what is wrong with them, without a word of any value.
package struct EnvironmentFiles {
    /// Bytes of names and values of one service: with them, a program can still be given arguments.
    package static let mostBytes = 512 << 10

    /// What cannot be said of a place in the dotenv file itself: one of the list is missing, or all are too large.
    package struct Fault: Sendable, Hashable {
        /// In `envFiles`, from 0.
        package var index: Int
        package var message: String
        package var hint: String?
    }

    /// Of places in the files.
    package private(set) var diagnostics: [Diagnostic] = []

    private let read: @Sendable (String) -> EnvironmentFileContent
    private let host: [String: String]
    private let display: (String) -> String

    /// - Parameters:
    ///   - host: The environment that `${NAME}` falls back to.
    ///   - display: How people call a file, by its absolute path.
    package init(
        read: @escaping @Sendable (String) -> EnvironmentFileContent, host: [String: String],
        display: @escaping (String) -> String = { $0 }
    ) {
        self.read = read
        self.host = host
        self.display = display
    }

    /// The variables of one service.
    package mutating func variables(of files: [EnvironmentFile]) -> (variables: FileVariables, faults: [Fault]) {
        var result = FileVariables()
        var faults: [Fault] = []
        var known: [String: String] = [:]
        for (index, file) in files.enumerated() {
            switch read(file.path) {
            case .text(let bytes, let isReadableByAll):
                let parsed = parse(bytes, of: file.path, known)
                for variable in parsed { known[variable.name] = variable.value.revealed }
                result.files.append(.init(path: file.path, variables: parsed, isReadableByAll: isReadableByAll))
            case .missing where file.isOptional: break
            case .missing:
                faults.append(
                    Fault(
                        index: index, message: "there is no file \(display(file.path))",
                        hint: "make it, or write `{path: …, optional: true}` where it need not be there"))
            case .notAFile:
                faults.append(Fault(index: index, message: "\(display(file.path)) is not a file", hint: nil))
            case .unreadable(let why):
                faults.append(
                    Fault(
                        index: index, message: "\(display(file.path)) cannot be read: \(why)",
                        hint: "the user who starts Aloft must be able to read it"))
            }
        }
        let bytes = known.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 2 }
        if bytes > Self.mostBytes {
            faults.append(
                Fault(
                    index: files.count - 1,
                    message: "the files set \(bytes >> 10) KiB of variables; a service gets at most "
                        + "\(Self.mostBytes >> 10) KiB",
                    hint: "give the app the path of a large file instead"))
        }
        return (result, faults)
    }

    private mutating func parse(
        _ bytes: [UInt8], of path: String, _ known: [String: String]
    ) -> [FileVariables.Variable] {
        let host = host
        let parsed = DotEnv(bytes) { known[$0] ?? host[$0] }
        for fault in parsed.faults { add(.error, path, fault.position, fault.message, fault.hint) }
        var last: [String: Int] = [:]
        for (index, entry) in parsed.entries.enumerated() { last[entry.name] = index }
        return parsed.entries.enumerated().compactMap { index, entry in
            guard last[entry.name] == index else { return nil }
            guard entry.name != "PORT", entry.name != "SOCKET" else {
                add(
                    .warning, path, entry.position,
                    "`\(entry.name)` is left out: Aloft sets it, for each replica another",
                    "remove the line, or let the app listen on `$\(entry.name)`")
                return nil
            }
            return .init(name: entry.name, value: Secret(entry.value))
        }
    }

    /// Two services may have the same file.
    private mutating func add(
        _ severity: Diagnostic.Severity, _ path: String, _ position: Position, _ message: String, _ hint: String?
    ) {
        let diagnostic = Diagnostic(
            severity: severity, file: display(path), line: position.line, column: position.column, length: 0,
            sourceLine: "", message: message, hint: hint)
        if !diagnostics.contains(diagnostic) { diagnostics.append(diagnostic) }
    }
}
