import AloftModel
import AloftSystem

/// What a container finds in its environment, and how it gets there without being on a command line, which every user
/// of the machine can read.
struct ContainerVariables: Sendable, Hashable {
    /// `NAME=value`, by way of the engine's own environment.
    var passed: [String]
    /// `NAME=value` whose names mean something to the engine's program: by way of a file of mode 0600.
    var written: [String]

    /// - Parameter own: The service, for what its file sets. PATH, HOME and LANG of the machine mean nothing in an image.
    /// - Throws: For several lines in a variable that has to be written to a file, which knows no such thing.
    init(_ plan: LaunchPlan, own: ServiceSpec, adding: [String] = []) throws(LaunchFailure) {
        let set = Set(own.environment.map(\.name) + own.fileVariables.variables.map(\.name))
        passed = []
        written = []
        for variable in plan.environment + adding {
            let name = String(variable.prefix { $0 != "=" })
            if ["PATH", "HOME", "LANG"].contains(name) && !set.contains(name) { continue }
            if !EngineSession.concernsEngine(name) {
                passed.append(variable)
            } else if variable.contains(where: \.isNewline) {
                throw LaunchFailure("env.\(name): this variable can't have several lines in a container")
            } else {
                written.append(variable)
            }
        }
    }

    /// What says so on the engine's command line: names only.
    func options(file: String) -> [String] {
        passed.flatMap { ["--env", String($0.prefix { $0 != "=" })] } + (written.isEmpty ? [] : ["--env-file", file])
    }

    func write(to file: String) throws(SystemError) {
        if written.isEmpty { return }
        try AtomicFile.write(written.map { "\($0)\n" }.joined().utf8, to: file, mode: 0o600)
    }
}
