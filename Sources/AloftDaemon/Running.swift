import AloftLanguage
import AloftModel
import Crypto
import Foundation

/// The plan that runs, as it was read.
struct Running: Sendable {
    let plan: Plan
    /// The file as it was read.
    let text: [UInt8]
    /// The effective file.
    let effective: String
    /// First twelve digits of the effective file's SHA-256.
    let digest: String

    init(plan: Plan, text: [UInt8]) {
        self.plan = plan
        self.text = text
        effective = plan.effectiveFile()
        digest = SHA256.hash(data: Data(effective.utf8)).prefix(6).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count < 2 ? "0" + digits : digits
        }.joined()
    }

    /// Reads and checks the file; throws the whole report where it has errors.
    ///
    /// What `envFiles` hold comes with it; `KeptVariables.marked` has to follow before releases are compared.
    static func read(
        _ file: String, environment: String?, variables: [String: String]
    ) throws(ControlFailure) -> (running: Running, warnings: [Diagnostic]) {
        let source: SourceFile
        do {
            source = try SourceFile.open(file)
        } catch {
            throw ControlFailure(.invalidFile, error.description)
        }
        return try check(
            source, environment: environment, variables: variables, envFiles: { EnvironmentFileContent.disk($0) })
    }

    static func check(
        _ source: SourceFile, environment: String?, variables: [String: String],
        envFiles: (@Sendable (String) -> EnvironmentFileContent)? = nil
    ) throws(ControlFailure) -> (running: Running, warnings: [Diagnostic]) {
        let reading = Language.read(source, environment: environment, variables: variables, envFiles: envFiles)
        return (try checked(reading, source), reading.warnings)
    }

    /// - Throws: the whole report where it has errors.
    static func checked(_ reading: Reading, _ source: SourceFile) throws(ControlFailure) -> Running {
        guard let plan = reading.plan else {
            throw ControlFailure(
                .invalidFile, DiagnosticRenderer(color: false).text(reading.errors),
                hint: "nothing was changed; correct the file and try again")
        }
        return Running(plan: plan, text: source.bytes)
    }
}
