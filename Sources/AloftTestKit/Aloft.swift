import Foundation

/// The real `aloft` binary in a folder of its own, with the file a test gives it.
package final class Aloft: Sendable {
    /// Folder with `aloft.yaml`; the state directory is `.aloft` in it.
    package let directory: String
    package let child: Child

    package var state: String { directory + "/.aloft" }
    package var output: String { child.output }
    package var pid: pid_t { child.pid }

    private init(directory: String, child: Child) {
        self.directory = directory
        self.child = child
    }

    /// Writes `file` as `aloft.yaml` into `directory` and starts `aloft up` there, without waiting for anything.
    ///
    /// - Parameter wrapper: a command to start it with, such as `prlimit --nofile=64`.
    package static func start(
        in directory: String, file: String, wrapper: [String] = [], environment: [String: String] = [:],
        fixture: Fixture
    ) throws -> Aloft {
        try Checkout.require(Checkout.aloft)
        try file.write(toFile: directory + "/aloft.yaml", atomically: true, encoding: .utf8)
        return try again(in: directory, wrapper: wrapper, environment: environment, fixture: fixture)
    }

    /// Starts `aloft up` in a folder that has its file already: after a crash, or beside a daemon that runs.
    package static func again(
        in directory: String, wrapper: [String] = [], environment: [String: String] = [:], fixture: Fixture
    ) throws -> Aloft {
        var variables = Child.plainEnvironment
        variables.merge(environment) { _, given in given }
        let output = directory + "/aloft-\(UInt32.random(in: 0 ... .max)).log"
        let child = try Child(
            wrapper + [Checkout.aloft, "up"], environment: variables, directory: directory, output: output)
        let aloft = Aloft(directory: directory, child: child)
        fixture.atEnd("stop aloft \(child.pid)") { try await aloft.stop() }
        return aloft
    }

    /// SIGTERM, then SIGKILL of the daemon and of every process whose working files are in its folder.
    package func stop(within limit: Duration = .seconds(20)) async throws {
        child.signal(SIGTERM)
        do {
            _ = try await child.ended(within: limit)
        } catch {
            child.signal(SIGKILL)
            Processes.killAll(withDirectory: directory)
            throw error
        }
        Processes.killAll(withDirectory: directory)
    }

    /// Runs another command of the binary in the same folder.
    package func command(
        _ arguments: String..., within limit: Duration = .seconds(30)
    ) async throws -> (ending: Child.Ending, output: String) {
        try await Child.run([Checkout.aloft] + arguments, directory: directory, within: limit)
    }

    /// What `aloft status --json` says; nil while no daemon answers.
    package func status() async throws -> Status? {
        let answer = try await command("status", "--json")
        guard answer.ending == .exited(0) else { return nil }
        return try Status(json: answer.output)
    }

    /// Waits until `aloft status` says what the test waits for, and gives that status.
    package func status(
        _ what: String, within limit: Duration = .seconds(30), where holds: (Status) -> Bool
    ) async throws -> Status {
        try await eventually("\(what); the daemon printed:\n\(output.suffix(3000))", within: limit) {
            if let ending = child.ending { throw KitError.deadline("\(what): aloft ended, \(ending):\n\(output)") }
            guard let status = try await status() else { return nil }
            return holds(status) ? status : nil
        }
    }

    /// Waits until `count` replicas of a service (all services together where none is named) are in rotation.
    package func ready(
        _ count: Int, of service: String? = nil, within limit: Duration = .seconds(30)
    ) async throws -> Status {
        try await status("\(count) replicas in rotation", within: limit) { status in
            status.replicas.count { $0.inRotation && (service == nil || $0.service == service) } == count
        }
    }
}
