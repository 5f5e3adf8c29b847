import Foundation
import Synchronization

/// A process a test started, with what it printed in a file.
package final class Child: Sendable {
    /// How a process ended.
    package enum Ending: Sendable, Equatable {
        case exited(Int32)
        case signalled(Int32)
    }

    package let pid: pid_t
    /// File with both streams of the process.
    package let outputPath: String
    private let box: EndingBox

    /// Shared with the thread on which Foundation says that the process has ended.
    private final class EndingBox: Sendable {
        let value = Mutex<Ending?>(nil)
    }

    /// Starts `arguments[0]` (looked up in PATH) with exactly `environment`, stdin empty, in a process group of its own.
    package init(
        _ arguments: [String], environment: [String: String] = Child.plainEnvironment, directory: String,
        output: String
    ) throws {
        guard FileManager.default.createFile(atPath: output, contents: nil),
            let file = FileHandle(forWritingAtPath: output)
        else { throw KitError.missing("cannot write \(output)") }
        defer { file.closeFile() }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try Self.path(of: arguments[0]))
        process.arguments = Array(arguments.dropFirst())
        process.environment = environment
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = file
        process.standardError = file
        let box = EndingBox()
        process.terminationHandler = { ended in
            let status = ended.terminationStatus
            box.value.withLock { $0 = ended.terminationReason == .exit ? .exited(status) : .signalled(status) }
        }
        try process.run()
        self.box = box
        pid = process.processIdentifier
        outputPath = output
    }

    /// nil while the process runs.
    package var ending: Ending? { box.value.withLock { $0 } }

    /// All that the process printed until now.
    package var output: String {
        FileManager.default.contents(atPath: outputPath).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Sends a signal to the process alone; nothing happens where it has ended.
    package func signal(_ number: Int32) {
        if ending == nil { kill(pid, number) }
    }

    /// Waits for the end.
    package func ended(within limit: Duration = .seconds(20)) async throws -> Ending {
        try await eventually("process \(pid) ends; it printed:\n\(output.suffix(2000))", within: limit) { ending }
    }

    /// PATH, HOME and LANG of the test's own process, and which container engine there is.
    package static var plainEnvironment: [String: String] {
        ProcessInfo.processInfo.environment.filter { ["PATH", "HOME", "LANG"].contains($0.key) }
            .merging(TestEngine.environment) { mine, _ in mine }
    }

    private static func path(of program: String) throws -> String {
        if program.contains("/") { return program }
        let folders = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        for folder in (folders + ":/usr/sbin:/sbin").split(separator: ":") {
            let candidate = "\(folder)/\(program)"
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
        }
        throw KitError.missing("no program \(program) in PATH")
    }
}

extension Child {
    /// Runs a program to its end and gives its ending and what it printed.
    package static func run(
        _ arguments: [String], environment: [String: String] = Child.plainEnvironment, directory: String,
        within limit: Duration = .seconds(60)
    ) async throws -> (ending: Ending, output: String) {
        let output = directory + "/output-\(UInt32.random(in: 0 ... .max)).log"
        let child = try Child(arguments, environment: environment, directory: directory, output: output)
        do {
            let ending = try await child.ended(within: limit)
            return (ending, child.output)
        } catch {
            kill(-child.pid, SIGKILL)
            throw error
        }
    }
}
