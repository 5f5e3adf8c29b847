import AloftCompute
import AloftModel
import Foundation
import Hummingbird

/// `POST /v1/services/{name}/exec`: a command beside a replica, its output as it comes.
struct ExecRoute: Sendable {
    static let longest = 86_400

    let present: Present
    let compute: Compute

    /// JSON lines: output, then how it ended. Whoever stops reading ends the command.
    func answer(_ service: String, _ request: ExecRequest) throws(ControlFailure) -> Response {
        let known = present.facts.running.plan.services.map(\.name)
        guard known.contains(service) else {
            throw ControlFailure(
                .unknownService, "there is no service `\(service)`", hint: "known: \(known.joined(separator: ", "))")
        }
        guard !request.command.isEmpty, (1...Self.longest).contains(request.timeoutSeconds) else {
            throw ControlFailure(
                .badRequest, "`command` has at least one word, `timeoutSeconds` is from 1 to \(Self.longest)")
        }
        return Answer.stream { writer in
            let lines = Handoff<ExecLine>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await lines.give(await run(service, request, lines))
                    await lines.finish()
                }
                do {
                    while let line = await lines.take() { try await writer.write(try Answer.line(line)) }
                } catch {
                    await lines.finish()
                    group.cancelAll()
                    throw error
                }
            }
        }
    }

    private func run(_ service: String, _ request: ExecRequest, _ lines: Handoff<ExecLine>) async -> ExecLine {
        do throws(ComputeError) {
            let outcome = try await compute.exec(
                service, index: request.replica, command: request.command, timeout: .seconds(request.timeoutSeconds)
            ) { bytes in
                await lines.give(ExecLine(output: Data(bytes).base64EncodedString()))
            }
            switch outcome {
            case .ended(.exited(let code), _): return ExecLine(exitCode: Int(code))
            case .ended(.signaled(let number), _): return ExecLine(signal: Int(number))
            case .ended(.unknown, _): return ExecLine(failure: "how it ended is not known")
            case .timedOut: return ExecLine(failure: "killed after \(request.timeoutSeconds) s, its time limit")
            case .notStarted(let reason): return ExecLine(failure: reason)
            }
        } catch {
            return ExecLine(failure: "\(error)")
        }
    }
}
