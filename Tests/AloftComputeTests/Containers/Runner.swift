import AloftModel
import AloftSystem
import AloftTestKit
import Foundation
import Testing

@testable import AloftCompute

/// What runs the replicas of a test: the same suite holds for both.
enum Runner: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case process, container

    var testDescription: String { rawValue }

    /// Both, or processes alone where no engine works; says why.
    static let available: [Runner] = {
        guard let reason = TestImage.reason else { return allCases }
        print("containers are not tested: \(reason)")
        return [.process]
    }()

    /// Where a published port leads to the container has to listen on all its addresses.
    var httpd: [String] {
        self == .process ? Programs.httpd : ["/bin/busybox", "httpd", "-f", "-p", "${PORT}"]
    }

    /// The same as a part of a script.
    var httpdScript: String {
        self == .process ? "busybox httpd -f -p 127.0.0.1:$PORT" : "busybox httpd -f -p $PORT"
    }

    /// A service of this runner, with limits as the test wants them.
    func service(
        _ command: [String], replicas: Int = 1, minAvailable: Int = 0, listen: ServiceSpec.Listen = .port,
        environment: [EnvironmentVariable] = [], resources: Resources = Resources(), probes: Probes = Probes(),
        policy: RestartSpec.Policy = .always, port: Int? = nil, image: String = TestImage.name,
        stop: StopSpec = StopSpec(drain: .milliseconds(200), grace: .seconds(1))
    ) -> ServiceSpec {
        var spec = AloftComputeTests.service(
            "web", command, replicas: replicas, minAvailable: minAvailable, listen: listen, environment: environment,
            resources: resources, probes: probes, policy: policy, stop: stop)
        if self == .container { spec.container = ContainerSpec(source: .image(image), pull: .never, port: port) }
        return spec
    }
}

/// An image from scratch with busybox in it: needs no registry.
enum TestImage {
    static let name = "localhost/aloft-test/busybox:1"

    /// Nil where containers work here; else why not.
    static let reason: String? = {
        do {
            try make()
            let limits = ["--ulimit", "nofile=64:64", "--ulimit", "nproc=64:64"]
            let run = ["run", "--rm"] + limits + ["--pull", "never", name, "/bin/busybox", "true"]
            // Podman's default runtime, and the one that knows both versions of cgroups at once.
            var said = ""
            for runtime in [[], ["--runtime", "runc"]] {
                let answer = try call("podman", runtime + run)
                if answer.status == 0 { return nil }
                said = answer.text
            }
            return "podman runs nothing: \(said)"
        } catch {
            return "\(error)"
        }
    }()

    static func writeContext(_ folder: String, _ lines: String = "") throws {
        try Directories.make("\(folder)/bin")
        try FileManager.default.copyItem(atPath: "/bin/busybox", toPath: "\(folder)/bin/busybox")
        for applet in ["sh", "sleep", "yes", "head", "env", "cat", "touch", "httpd", "dd"] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/bin/\(applet)", withDestinationPath: "busybox")
        }
        try AtomicFile.write("FROM scratch\nCOPY bin /bin\n\(lines)".utf8, to: "\(folder)/Dockerfile")
    }

    private static func make() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/aloft-test-image-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try writeContext(folder)
        let answer = try call("podman", ["build", "--quiet", "--tag", name, folder])
        if answer.status != 0 { throw KitError.missing("podman builds nothing: \(answer.text)") }
    }

    /// What the engine says, for a test to compare with.
    @discardableResult
    static func call(_ program: String, _ arguments: [String]) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    /// Containers of a state directory, running or not.
    static func containers(_ state: String) throws -> [String] {
        let instance = SpecDigest.name(of: state)
        let answer = try call(
            "podman", ["ps", "--all", "--filter", "label=aloft.instance=\(instance)", "--format", "{{.Names}}"])
        return answer.text.split(whereSeparator: \.isWhitespace).map(String.init)
    }
}
