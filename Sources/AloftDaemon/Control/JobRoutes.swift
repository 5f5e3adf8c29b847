import AloftCompute
import AloftJobs
import AloftModel
import Foundation
import Hummingbird

/// The paths of jobs, and of commands that people run in a service's release.
struct JobRoutes: Sendable {
    let present: Present
    let jobs: Jobs
    let compute: Compute
    let commands: JobCommands
    let events: EventQueue

    func add(to version: RouterGroup<BasicRequestContext>) {
        version.get("jobs") { _, _ in try Answer.json(await jobs.status().map { JobReport($0) }) }
        version.post("jobs/{name}/run") { request, context in
            let name = try context.parameters.require("name")
            return try await run(name, try await ControlRoutes.decode(RunRequest.self, request))
        }
        version.post("services/{name}/run") { request, context in
            let name = try context.parameters.require("name")
            return try Answer.json(
                await launch(name, try await ControlRoutes.decode(RunCommandRequest.self, request)))
        }
    }

    /// JSON lines: output, then how it ended. Whoever stops reading ends nothing.
    private func run(_ name: String, _ request: RunRequest) async throws -> Response {
        let progress: AsyncStream<Jobs.Progress>
        do throws(JobsError) {
            progress = try await jobs.runNow(name, by: request.user)
        } catch {
            throw ControlFailure(error, services: present.facts.running.plan.services.map(\.name))
        }
        return Answer.stream { writer in
            for await step in progress {
                switch step {
                case .printed(let line):
                    let bytes = Data((line + "\n").utf8)
                    try await writer.write(try Answer.line(ExecLine(output: bytes.base64EncodedString())))
                case .ended(let run): try await writer.write(try Answer.line(ExecLine(run)))
                }
            }
        }
    }

    /// What the caller needs to run the command itself, in its own terminal.
    private func launch(_ name: String, _ request: RunCommandRequest) async throws -> RunCommandLaunch {
        let plan = present.facts.running.plan
        guard plan.services.contains(where: { $0.name == name }) else {
            let isJob = plan.jobs.contains { $0.name == name }
            throw ControlFailure(
                .unknownService, isJob ? "\(name) is a job, not a service" : "there is no service `\(name)`",
                hint: isJob
                    ? "`aloft run \(name)` runs it"
                    : "known: " + plan.services.map(\.name).joined(separator: ", "))
        }
        guard let program = request.command.first, !program.isEmpty else {
            throw ControlFailure(.badRequest, "`command` has at least one word")
        }
        let release = try await commands.current(name)
        let command = ServiceCommand(
            command: request.command.map { Template($0) }, spec: try commands.book.spec(of: release),
            release: release.number, mark: "", timeout: .zero)
        let launch: CommandLaunch
        do throws(LaunchFailure) {
            launch = try await compute.launch(command, isInteractive: request.isInteractive)
        } catch {
            throw ControlFailure(.failed, "`\(program)` cannot be run: \(error)")
        }
        events.publish(
            .notice, "command.started", name, "`\(program)` in release \(release.number), by \(request.user)")
        return RunCommandLaunch(launch)
    }
}

extension ControlFailure {
    fileprivate init(_ error: JobsError, services: [String]) {
        switch error {
        case .unknownJob(let name, _) where services.contains(name):
            self.init(
                .badRequest, "\(name) is a service, and there is no job of that name",
                hint: "`aloft run \(name) -- COMMAND` runs a command in its release")
        case .unknownJob: self.init(.nothingThere, "\(error)", hint: "`aloft jobs` lists them")
        case .underWay(let job, _):
            self.init(.busy, "\(error)", hint: "`aloft logs \(job) -f` follows it; `overlap: allow` lets two run")
        case .notKept: self.init(.failed, "\(error)")
        case .notRunning: self.init(.stopping, "\(error)")
        }
    }
}
