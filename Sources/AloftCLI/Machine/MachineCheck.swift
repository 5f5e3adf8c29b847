import AloftCertificates
import AloftLanguage
import AloftModel
import AloftSystem
import Foundation

/// What `aloft check` finds on this machine: whether programs, folders and certificates that the file names are there.
///
/// A program that a build makes later, or that another machine has, is no fault of the file: what is missing is a warning.
/// What is there and cannot be used, such as a key of another certificate, is an error, as it keeps `aloft up` from starting.
struct MachineCheck {
    private let plan: Plan
    private let places: FilePlaces
    private let variables: [String: String]
    private let now: Timestamp

    init(_ plan: Plan, _ places: FilePlaces, variables: [String: String], now: Timestamp = .now) {
        self.plan = plan
        self.places = places
        self.variables = variables
        self.now = now
    }

    /// By position.
    var diagnostics: [Diagnostic] {
        (plan.services.flatMap { service in
            service.container == nil ? programs(of: service) : container(of: service)
        } + certificates).sorted()
    }

    // MARK: Programs

    private func programs(of service: ServiceSpec) -> [Diagnostic] {
        let place = ["services", service.name]
        guard isFolder(service.directory) else {
            return [
                places.diagnostic(
                    .warning, at: place + ["directory"], "there is no folder \(service.directory)",
                    hint: "make it before `aloft up`, or correct the path")
            ]
        }
        var commands: [(steps: [String], words: [Template])] = [(["command"], service.command)]
        if let release = service.release { commands.append((["release", "command"], release.command)) }
        for (index, gate) in service.deploy.gates.before.enumerated() {
            commands.append((["deploy", "gates", "before", "[\(index)]", "run"], gate.run))
        }
        let probes = service.probes
        for (name, probe) in [
            ("startup", probes.startup), ("readiness", probes.readiness), ("liveness", probes.liveness),
        ] {
            if case .exec(let words)? = probe?.check { commands.append((["probes", name, "exec"], words)) }
        }
        return commands.flatMap { command in
            let steps = place + command.steps
            let program = program(of: command.words, at: steps, service)
            return program.map { [$0] } ?? files(of: command.words, at: steps, service)
        }
    }

    /// Scripts that are not there, and file servers that send more than their owner means to.
    private func files(of words: [Template], at steps: [String], _ service: ServiceSpec) -> [Diagnostic] {
        let known = CommandWords(words.map { text($0) ?? "" }, directory: service.directory)
        if let script = known.script, service.deploy.artifact == nil, !isFile(script.path) {
            return [
                places.diagnostic(
                    .warning, at: steps + ["[\(script.index)]"], "there is no file \(script.path)",
                    hint: "correct the path, or name its folder: `directory`")
            ]
        }
        guard let folder = known.published, service.deploy.artifact == nil,
            (plan.directory + "/").hasPrefix(folder == "/" ? "/" : folder + "/")
        else { return [] }
        return [
            places.diagnostic(
                .warning, at: steps,
                "this sends every file below \(folder) to whoever asks, also this file, `.env` and `.aloft` with its journal",
                hint: "put what is public into a folder of its own, and send that")
        ]
    }

    private func program(of words: [Template], at steps: [String], _ service: ServiceSpec) -> Diagnostic? {
        guard let first = words.first, let program = text(first), !program.isEmpty else { return nil }
        do {
            _ = try ProgramPath.find(program, directory: service.directory, path: path(of: service))
            return nil
        } catch {
            let (message, hint) = Self.sentences(error)
            return places.diagnostic(.warning, at: steps + ["[0]"], message, hint: hint)
        }
    }

    private static func sentences(_ failure: ProgramPath.Failure) -> (message: String, hint: String) {
        switch failure {
        case .missing(let program, let directory, let searched) where searched.isEmpty:
            ("there is no program `\(program)` in \(directory)", "build it before `aloft up`, or correct the path")
        case .missing(let program, _, let searched):
            (
                "there is no program `\(program)` in PATH (\(searched.joined(separator: ":")))",
                "install it, or write its path"
            )
        case .notExecutable(let path):
            ("`\(path)` is not executable", "`chmod +x \(path.shellWord)`, or name its interpreter first")
        }
    }

    /// PATH as a replica has it.
    private func path(of service: ServiceSpec) -> String {
        let own = service.environment.first { $0.name == "PATH" }.flatMap { text($0.value) }
        return own ?? variables["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    }

    /// Nil where it depends on the replica.
    private func text(_ template: Template) -> String? {
        var isKnown = true
        let text = template.resolved { part in
            guard case .environment(let name) = part, let value = variables[name] else {
                isKnown = false
                return ""
            }
            return value
        }
        return isKnown ? text : nil
    }

    // MARK: Containers

    private func container(of service: ServiceSpec) -> [Diagnostic] {
        let place = ["services", service.name]
        var found: [Diagnostic] = []
        let path = variables["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        var key = "image"
        if case .build(let folder)? = service.container?.source {
            key = "build"
            if !isFolder(folder) {
                found.append(
                    places.diagnostic(
                        .warning, at: place + [key], "there is no folder \(folder)",
                        hint: "make it before `aloft up`, or correct the path"))
            } else if !["Containerfile", "Dockerfile"].contains(where: { isFile("\(folder)/\($0)") }) {
                found.append(
                    places.diagnostic(
                        .warning, at: place + [key], "\(folder) has no Containerfile and no Dockerfile",
                        hint: "write one, or correct the path"))
            }
        }
        if !["podman", "docker"].contains(where: { Self.isProgram($0, path: path) }) {
            found.append(
                places.diagnostic(
                    .warning, at: place + [key], "`\(key)` needs podman or docker, and neither is in PATH (\(path))",
                    hint: "`apt install podman`, or run the service as a process with `command`"))
        }
        return found
    }

    static func isProgram(_ name: String, path: String) -> Bool {
        do {
            _ = try ProgramPath.find(name, directory: "/", path: path)
            return true
        } catch {
            return false
        }
    }

    // MARK: Certificates

    private var certificates: [Diagnostic] {
        plan.edge.tls.certificates.enumerated().flatMap { index, certificate -> [Diagnostic] in
            guard case .files(let chain, let key) = certificate.source else { return [] }
            let place = ["edge", "tls", "certificates", "[\(index)]", "files"]
            let missing = [("certificate", chain), ("key", key)].filter { !isFile($0.1) }
            guard missing.isEmpty else {
                return missing.map { name, file in
                    places.diagnostic(
                        .warning, at: place + [name], "there is no \(name) \(file)",
                        hint: "put it there before `aloft up`, or correct the path")
                }
            }
            return problems(of: certificate, at: place)
        }
    }

    private func problems(of certificate: CertificateSpec, at place: [String]) -> [Diagnostic] {
        do {
            // Files alone are read: nothing is kept in a directory.
            let loaded = try CertificateStore(directory: "/").load(certificate, now: now)
            return loaded.warnings.map { places.diagnostic(.warning, at: place + ["certificate"], $0) }
        } catch {
            let isKey = error.code == .keyMismatch || error.message.hasPrefix("the key ")
            return [places.diagnostic(.error, at: place + [isKey ? "key" : "certificate"], error.message)]
        }
    }

    private func isFolder(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    private func isFile(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && !isDirectory.boolValue
    }
}
