import AloftModel
import Testing

@testable import AloftCompute

@Suite("What a replica is started with")
struct LaunchPlanTests {
    private let host = ["PATH": "/bin", "HOME": "/root", "SECRET": "s3", "OTHER": "no"]
    private let replica = ReplicaID(service: "web", index: 2, generation: 7)

    @Test("references are replaced, nothing else of the host's environment is passed on")
    func environment() throws {
        let variables = [
            EnvironmentVariable(name: "KEY", value: Template(parts: [.text("k="), .environment("SECRET")])),
            EnvironmentVariable(name: "PATH", value: Template("/opt/bin")),
        ]
        let spec = service("web", ["run", "--port=${PORT}"], environment: variables)
        let plan = try LaunchPlan(spec, replica: replica, address: .port(20_001), host: host)
        #expect(plan.arguments == ["run", "--port=20001"])
        #expect(
            plan.environment == [
                "HOME=/root", "PORT=20001", "ALOFT_SERVICE=web", "ALOFT_REPLICA=web-2", "KEY=k=s3", "PATH=/opt/bin",
            ])
        #expect(plan.path == "/opt/bin")
    }

    @Test("variables of files come before `env`, which wins; their digest is the fingerprint and no value")
    func fileVariables() throws {
        var spec = service("web", ["run"], environment: [.init(name: "A", value: Template("env"))])
        func file(_ pairs: [(String, String)]) -> FileVariables.File {
            .init(path: "/x", variables: pairs.map { .init(name: $0.0, value: Secret($0.1)) })
        }
        let without = SpecDigest.of(spec, host: host)
        spec.fileVariables = FileVariables(
            files: [file([("A", "1"), ("B", "1"), ("C", "1")]), file([("B", "2"), ("ALOFT_SERVICE", "mine")])],
            fingerprint: "f1")
        let plan = try LaunchPlan(spec, replica: replica, address: .port(1), host: host)
        #expect(Array(plan.environment.suffix(4)) == ["B=2", "C=1", "ALOFT_SERVICE=mine", "A=env"])
        let digest = SpecDigest.of(spec, host: host)
        #expect(digest != without)
        spec.fileVariables.files = [file([("B", "other")])]
        #expect(SpecDigest.of(spec, host: host) == digest)
        spec.fileVariables.fingerprint = "f2"
        #expect(SpecDigest.of(spec, host: host) != digest)
        #expect(!"\(spec)".contains("other"))
    }

    @Test("a socket is SOCKET, and PORT is then refused with what to do")
    func socket() throws {
        let spec = service("web", ["run"], listen: .unix)
        let plan = try LaunchPlan(spec, replica: replica, address: .unix("/x/socket"), host: host)
        #expect(plan.environment.contains("SOCKET=/x/socket") && !plan.environment.contains { $0.hasPrefix("PORT") })
        #expect(throws: LaunchPlan.Failure.wrongAddress("PORT")) {
            try LaunchPlan(service("web", ["${PORT}"]), replica: replica, address: .unix("/x"), host: host)
        }
    }

    @Test("a variable that is not set is named")
    func missing() {
        let spec = service(
            "web", ["run"], environment: [.init(name: "A", value: Template(parts: [.environment("NOPE")]))])
        let failure = #expect(throws: LaunchPlan.Failure.self) {
            try LaunchPlan(spec, replica: replica, address: .port(1), host: host)
        }
        #expect(failure?.description.contains("the variable NOPE has no value") == true)
    }

    @Test("the digest changes with what needs a new process, and with nothing else")
    func digest() {
        let base = service("web", ["run", "a"])
        let digest = SpecDigest.of(base, host: host)
        var same = base
        same.probes.liveness = .init(
            check: .tcpSocket, period: .seconds(1), timeout: .seconds(1), initialDelay: .zero, successThreshold: 1,
            failureThreshold: 1)
        same.restart.policy = .never
        same.stop.drain = .seconds(77)
        same.scaling.maxReplicas = 9
        #expect(SpecDigest.of(same, host: host) == digest)
        var others: [ServiceSpec] = []
        for change: (inout ServiceSpec) -> Void in [
            { $0.command = ["run", "b"].map { Template($0) } }, { $0.command = [Template("runa")] },
            { $0.directory = "/var" }, { $0.listen = .unix },
            { $0.environment = [.init(name: "A", value: Template("1"))] },
            { $0.environment = [.init(name: "A", value: Template(parts: [.environment("SECRET")]))] },
            { $0.resources.limits.memory = .mebibytes(1) }, { $0.resources.requests.cpu = .init(millicores: 1) },
        ] {
            var other = base
            change(&other)
            others.append(other)
        }
        let digests = others.map { SpecDigest.of($0, host: host) }
        #expect(Set(digests + [digest]).count == others.count + 1)
        #expect(digests[5] != SpecDigest.of(others[5], host: ["SECRET": "changed"]))
    }

    @Test("names of run folders are read back; other names are not taken for them")
    func runFolders() {
        let id = ReplicaID(service: "my-app.v2", index: 12, generation: 3)
        let path = RunDirectory(state: "/s", id: id).path
        #expect(path == "/s/run/my-app.v2-12.3")
        #expect(RunDirectory.replica(named: "my-app.v2-12.3") == id)
        for name in ["web", "web-1", "web-x.1", "-1.1", "web-0.1", "web-1.0", "web-1.x", "lost+found"] {
            #expect(RunDirectory.replica(named: name) == nil)
        }
    }

    @Test("a socket whose path would be too long gets a short folder, the same each time")
    func longSocket() {
        let long = RunDirectory(state: "/" + String(repeating: "d", count: 100), id: replica)
        #expect(long.socketPath.utf8.count <= 107 && long.socketPath.hasPrefix("/tmp/aloft-"))
        #expect(long.socketPath == RunDirectory(path: long.path).socketPath)
        #expect(RunDirectory(state: "/s", id: replica).socketPath == "/s/run/web-2.7/socket")
    }
}

@Suite("What probes say")
struct ProberTextTests {
    @Test("bodies are quoted on one line, without control characters, cut at 200 bytes")
    func bodies() {
        #expect(Prober.quoted([]) == "")
        #expect(Prober.quoted(Array("a\u{1b}[1m\r\nb\u{7}".utf8)) == ": \"a [1m ⏎ b \"")
        #expect(Prober.quoted([UInt8](repeating: 0x61, count: 900)).count == 204)
        #expect(Prober.quoted([0xff]) == ": \"\u{fffd}\"")
    }

    @Test("ends of commands")
    func commands() {
        func text(_ outcome: ExecOutcome) -> String { Prober.answer(to: outcome, .seconds(2)).text }
        #expect(Prober.answer(to: .ended(.exited(0), output: []), .seconds(1)).passed)
        #expect(text(.ended(.exited(2), output: Array("no".utf8))) == "exit code 2: \"no\"")
        #expect(text(.ended(.signaled(11), output: [])) == "killed by SIGSEGV")
        #expect(text(.timedOut(output: [])) == "timed out after 2s")
        #expect(text(.notStarted("why")) == "why")
    }
}
