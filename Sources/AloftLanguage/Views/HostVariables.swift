import AloftModel

extension Language {
    /// Names of the variables that a plan reads from the environment of `aloft`, as `${env.NAME}`; sorted.
    package static func variables(of plan: Plan) -> [String] { names(in: plan.effectiveFile()) }

    /// `$${env.X}` is the text `${env.X}` and names nothing.
    static func names(in text: String) -> [String] {
        var names: Set<String> = []
        let start = Array("${env.".utf8)
        let bytes = Array(text.utf8)
        var index = 0
        while index + start.count <= bytes.count {
            guard bytes[index] == UInt8(ascii: "$") else {
                index += 1
                continue
            }
            if bytes[index...].dropFirst().first == UInt8(ascii: "$") {
                index += 2
                continue
            }
            guard bytes[index..<(index + start.count)].elementsEqual(start),
                let end = bytes[index...].firstIndex(of: UInt8(ascii: "}"))
            else {
                index += 1
                continue
            }
            names.insert(String(decoding: bytes[(index + start.count)..<end], as: UTF8.self))
            index = end + 1
        }
        return names.sorted()
    }

    /// What another value of `${env.NAME}` does to a service that reads it; values are never shown.
    package static func newValue(of variable: String, for service: String) -> PlanChange {
        PlanChange(
            path: "services.\(service)", kind: .changed, old: "${env.\(variable)}",
            new: "another value of ${env.\(variable)}", effect: Effect.newRelease.description(service: service),
            restarts: service)
    }

    /// Reads a file where nothing is started, so that its variables need no value here: one without is a warning.
    package static func inspect(
        _ source: SourceFile, environment: String? = nil, variables: [String: String] = [:],
        envFiles: (@Sendable (String) -> EnvironmentFileContent)? = nil
    ) -> Reading {
        let strict = read(source, environment: environment, variables: variables, envFiles: envFiles)
        if strict.plan != nil { return strict }
        let lenient = FileReading(source: source, variables: Set(variables.keys), acceptsUnset: true)
            .read(environment: environment, envFiles: files(envFiles, variables, of: source))
        let known = Set(lenient.diagnostics)
        let unset = strict.diagnostics.filter { $0.severity == .error && !known.contains($0) }
            .map { diagnostic in
                var diagnostic = diagnostic
                diagnostic.severity = .warning
                return diagnostic
            }
        let all = (lenient.diagnostics + unset).sorted()
        return Reading(plan: lenient.plan, diagnostics: all)
    }
}
