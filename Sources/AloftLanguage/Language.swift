import AloftModel

/// The language of `aloft.yaml`: text in, a plan and every problem out.
///
/// All functions are pure: they read no file, no environment and no clock.
package enum Language {
    /// Larger files are refused before they are parsed.
    package static let maximumFileSize = 1 << 20

    /// Reads a file, lays `environment` of its `environments` over it, and checks everything.
    ///
    /// Problems never stop the reading early unless the text is not YAML at all. `variables` are those that
    /// `${env.NAME}` may name.
    ///
    /// - Parameter envFiles: Reads the files of `envFiles`, by their absolute paths; nil leaves them unread, and the
    ///   services without their variables.
    package static func read(
        _ source: SourceFile, environment: String? = nil, variables: [String: String] = [:],
        envFiles: (@Sendable (String) -> EnvironmentFileContent)? = nil
    ) -> Reading {
        FileReading(source: source, variables: Set(variables.keys))
            .read(environment: environment, envFiles: files(envFiles, variables, of: source))
    }

    static func files(
        _ read: (@Sendable (String) -> EnvironmentFileContent)?, _ variables: [String: String], of source: SourceFile
    ) -> EnvironmentFiles? {
        read.map { read in EnvironmentFiles(read: read, host: variables) { source.displayName(of: $0) } }
    }

    /// JSON Schema, draft 2020-12, of the whole file; ends with a line feed.
    package static func jsonSchema() -> String { SchemaWriter().document() }

    /// The reference page in Markdown.
    package static func reference() -> String { ReferenceWriter().page() }

    /// What a key means: `services.*.replicas`, `services.api.replicas`, `edge.routes[0].match.path`, or the end of
    /// a path where only one key ends so: `probes.readiness.period`.
    package static func explain(_ path: String) -> Explained { KeyIndex.shared.explain(path) }
}

/// What reading a file gave.
package struct Reading: Sendable, Hashable {
    /// Nil exactly where there is an error among the diagnostics.
    package var plan: Plan?
    /// By position; warnings among them do not keep the plan from being used.
    package var diagnostics: [Diagnostic]

    package init(plan: Plan?, diagnostics: [Diagnostic]) {
        self.plan = plan
        self.diagnostics = diagnostics
    }

    package var errors: [Diagnostic] { diagnostics.filter { $0.severity == .error } }
    package var warnings: [Diagnostic] { diagnostics.filter { $0.severity == .warning } }
}
