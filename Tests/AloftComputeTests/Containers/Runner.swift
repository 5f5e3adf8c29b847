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

    /// Both, or processes alone where no engine works, and says why; containers alone in a run that is for one engine.
    static let available: [Runner] = {
        guard let reason = TestImage.reason else { return TestEngine.isChosen ? [.container] : allCases }
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
            for runtime in TestEngine.isDocker ? [[]] : [[], ["--runtime", "runc"]] {
                let answer = try call(runtime + run)
                if answer.status == 0 { return nil }
                said = answer.text
            }
            return "\(TestEngine.program) runs nothing: \(said)"
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
        let answer = try call(["build", "--quiet", "--tag", name, folder])
        if answer.status != 0 { throw KitError.missing("\(TestEngine.program) builds nothing: \(answer.text)") }
    }

    /// What the engine says, for a test to compare with.
    @discardableResult
    static func call(_ arguments: [String]) throws -> (status: Int32, text: String) {
        // Not Foundation's `Process`: its wait spins while something inherited its socket, as podman's children do.
        guard let file = tmpfile() else { throw KitError.system("tmpfile", errno) }
        defer { fclose(file) }
        let words = ["timeout", "--kill-after=5", "120", TestEngine.program] + arguments
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for stream: Int32 in [1, 2] { posix_spawn_file_actions_adddup2(&actions, fileno(file), stream) }
        var argv = words.map { strdup($0) } + [nil]
        defer { for word in argv { free(word) } }
        var pid = pid_t()
        let code = posix_spawnp(&pid, words[0], &actions, nil, &argv, environ)
        guard code == 0 else { throw KitError.system("run \(words[3])", code) }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { throw KitError.system("wait for \(words[3])", errno) }
        }
        var bytes = [UInt8](repeating: 0, count: 256 << 10)
        rewind(file)
        bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
        let exit = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
        return (exit, String(decoding: bytes, as: UTF8.self))
    }

    /// Containers of a state directory, running or not.
    static func containers(_ state: String) throws -> [String] {
        let instance = SpecDigest.name(of: state)
        let answer = try call(
            ["ps", "--all", "--filter", "label=aloft.instance=\(instance)", "--format", "{{.Names}}"])
        return answer.text.split(whereSeparator: \.isWhitespace).map(String.init)
    }
}
