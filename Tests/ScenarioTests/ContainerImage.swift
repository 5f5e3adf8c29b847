import AloftTestKit
import Foundation

/// An image with nothing in it but `Apps/version.c` as a static program: it needs no registry and no network.
///
/// The tag is a hash of the source and of what the image sets, so that an image that is there is what was asked for, and
/// the number of this process, since another test run may remove its own image at any time.
struct ContainerImage: Sendable {
    static let repository = "localhost/aloft-scenario/version"

    /// For `image` of a service; it listens on `$PORT`, on all addresses of its container.
    let name: String

    /// Builds the image, and removes it when the test ends.
    ///
    /// - Parameter variables: What the program finds in its environment, as `["VERSION": "2"]`; a service's `env` wins.
    init(_ fixture: Fixture, _ variables: [String: String] = [:]) async throws {
        let source = "\(AppFile.apps)/version.c"
        let file = Self.containerfile(variables)
        let content = try Self.hash(String(contentsOfFile: source, encoding: .utf8) + file)
        name = "\(Self.repository):\(content)-\(getpid())"
        let image = name
        // Added before the build, so that one that fails half-way is tidied up as well. By name and without force: an
        // image that a container still uses stays, and the test says so.
        fixture.atEnd("remove the image") {
            let removed = try await Self.engine(["image", "rm", image])
            let isGone = removed.output.contains("image not known") || removed.output.contains("No such image")
            if removed.ending != .exited(0) && !isGone { throw KitError.missing("\(image) stays: \(removed.output)") }
        }
        let folder = try fixture.directory()
        try Self.describe(variables, in: folder)
        try await Self.compile(into: folder)
        try await Self.succeeds(
            [TestEngine.program] + TestEngine.build(name) + ["--file", "\(folder)/Containerfile", folder], in: folder)
    }

    // MARK: folders to build from

    /// Puts the program into a folder as `version`.
    static func compile(into folder: String) async throws {
        let compiler = Machine.has(program: "clang") ? "clang" : "cc"
        let source = "\(AppFile.apps)/version.c"
        try await succeeds([compiler, "-O2", "-static", "-pthread", "-o", "\(folder)/version", source], in: folder)
    }

    /// Writes the folder's Containerfile.
    static func describe(_ variables: [String: String], in folder: String) throws {
        try containerfile(variables).write(toFile: "\(folder)/Containerfile", atomically: true, encoding: .utf8)
    }

    /// Removes what Aloft built for services of this name.
    static func removeBuilt(for service: String) async throws {
        let listed = try await engine(["image", "ls", "--quiet", "--filter", "reference=localhost/aloft/*/\(service)"])
        for image in Set(listed.output.split(whereSeparator: \.isWhitespace)) {
            let removed = try await engine(["image", "rm", String(image)])
            if removed.ending != .exited(0) { throw KitError.missing("\(image) stays: \(removed.output)") }
        }
    }

    // MARK: whether they can run here

    /// Nil where containers run here, else why not; for `.enabled(if: ContainerImage.reason == nil, "…")`.
    ///
    /// Looked up once, and printed, so that a run that skipped them says so.
    static let reason: String? = {
        guard let reason = whyNot() else { return nil }
        print("scenarios with containers are skipped: \(reason)")
        return reason
    }()

    static var canRun: Bool { reason == nil }

    /// Asks the engine; that a container starts is for the test, since Aloft mends settings that do not work.
    private static func whyNot() -> String? {
        let program = TestEngine.program
        guard Machine.has(program: program) else { return "there is no \(program); run `scripts/setup test`" }
        guard Machine.has(program: "clang") || Machine.has(program: "cc") else { return "there is no C compiler" }
        let answer = blocking([program, "info"])
        return answer.status == 0 ? nil : "\(program) does not work: \(answer.text)"
    }

    // MARK: calls

    private static func containerfile(_ variables: [String: String]) -> String {
        let lines = variables.merging(["BIND": "0.0.0.0"]) { mine, _ in mine }
            .sorted { $0.key < $1.key }.map { "ENV \($0.key)=\"\($0.value)\"" }
        return (["FROM scratch", "COPY version /version"] + lines + ["ENTRYPOINT [\"/version\"]"])
            .joined(separator: "\n") + "\n"
    }

    /// FNV-1a, 64 bits.
    private static func hash(_ text: String) -> String {
        let number = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(number, radix: 16)
    }

    private static func succeeds(_ words: [String], in folder: String) async throws {
        let answer = try await Child.run(words, directory: folder, within: .seconds(120))
        if answer.ending != .exited(0) { throw KitError.missing("\(words[0]) fails: \(answer.output)") }
    }

    private static func engine(
        _ words: [String]
    ) async throws -> (ending: Child.Ending, output: String) {
        try await withFixture { fixture in
            try await Child.run([TestEngine.program] + words, directory: try fixture.directory(), within: .seconds(60))
        }
    }

    /// For the one question that is asked before any test runs.
    private static func blocking(_ words: [String]) -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["timeout", "--kill-after=5", "30"] + words
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        do {
            try process.run()
            let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return (process.terminationStatus, String(decoding: data, as: UTF8.self))
        } catch {
            return (1, "\(error)")
        }
    }
}
