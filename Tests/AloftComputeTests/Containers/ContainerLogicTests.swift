import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Testing

@testable import AloftCompute

@Suite("Containers, what is decided without one")
struct ContainerLogicTests {
    private func order(
        _ spec: ServiceSpec, host: [String: String] = [:], given: OpenFiles.Limits? = nil
    ) throws -> ContainerOrder {
        try ContainerOrder(
            LaunchOrder(
                id: ReplicaID(service: "web", index: 2, generation: 7), service: spec, host: host, specDigest: "d1g",
                preferredPort: nil),
            image: "sha256:abc", address: .port(20_001), socketFolder: nil, folder: "/s/run/web-2.7",
            instance: "0123", stateDirectory: "/s", host: host, given: given)
    }

    @Test("the command line of podman, word for word")
    func podman() throws {
        var spec = service(
            "web", ["/bin/api", "--port", "${PORT}"],
            environment: [
                EnvironmentVariable(name: "SECRET", value: Template(parts: [.environment("TOKEN")])),
                EnvironmentVariable(name: "HOME", value: Template("/app")),
            ],
            resources: Resources(
                requests: .init(cpu: CPUQuantity(millicores: 250), memory: .mebibytes(32)),
                limits: .init(cpu: CPUQuantity(millicores: 1050), memory: .mebibytes(64))))
        spec.container = ContainerSpec(source: .image("x"), port: 8080)
        let order = try order(spec, host: ["TOKEN": "s3cret", "PATH": "/bin", "LANG": "C"])
        #expect(
            order.line(for: .podman).joined(separator: " ") == """
                run --detach --name aloft-0123-web-2.7 --pull never --restart no --no-healthcheck \
                --cidfile /s/run/web-2.7/container-id --label aloft.instance=0123 --label aloft.state=/s \
                --label aloft.service=web --label aloft.replica=web-2 --label aloft.generation=7 \
                --label aloft.digest=d1g --pidfile /s/run/web-2.7/container-pid --log-driver passthrough \
                --http-proxy=false --sdnotify ignore --pids-limit 4096 --cpus 1.050 --cpu-shares 256 \
                --memory 67108864b --memory-swap 67108864b --memory-reservation 33554432b \
                --publish 127.0.0.1:20001:8080/tcp --env PORT --env ALOFT_SERVICE --env ALOFT_REPLICA --env SECRET \
                --env-file /s/run/web-2.7/container-env --entrypoint /bin/api sha256:abc --port 8080
                """)
        #expect(order.variables.passed.contains("SECRET=s3cret") && order.variables.passed.contains("PORT=8080"))
        #expect(order.variables.written == ["HOME=/app"])
        let docker = order.line(for: .docker).joined(separator: " ")
        #expect(docker.hasPrefix("create --name ") && docker.contains(" --log-driver none "))
    }

    @Test("user, volumes and the stop signal are on the command line of both engines")
    func access() throws {
        var spec = service("web", [], stop: StopSpec(drain: .zero, grace: .zero, signal: .quit))
        spec.container = ContainerSpec(
            source: .image("x"),
            volumes: [
                VolumeSpec(path: "/data", from: "/srv/data"),
                VolumeSpec(path: "/etc/app.conf", from: "/srv/app.conf", isReadOnly: true),
            ])
        spec.user = UserSpec(name: "app", group: "33")
        let expected = """
            --user app:33 --mount type=bind,source=/srv/data,destination=/data \
            --mount type=bind,source=/srv/app.conf,destination=/etc/app.conf,readonly=true --stop-signal SIGQUIT
            """
        for kind in [ContainerEngine.Kind.podman, .docker] {
            #expect(try order(spec).line(for: kind).joined(separator: " ").contains(expected))
        }
    }

    @Test("a volume that is not there is a failure before anything is made, and says what to do")
    func missingVolume() throws {
        let spec = ContainerSpec(
            source: .image("x"), volumes: [VolumeSpec(path: "/data", from: "/nowhere/data")])
        let failure = try #require(throws: LaunchFailure.self) { try ContainerOrder.checkVolumes(of: spec) }
        #expect(failure.description.contains("there is no /nowhere/data for /data; make it"))
    }

    @Test("a worker's container publishes no port")
    func worker() throws {
        var spec = service("web", [], listen: .nothing)
        spec.container = ContainerSpec(source: .image("x"))
        let order = try ContainerOrder(
            LaunchOrder(
                id: ReplicaID(service: "web", index: 1, generation: 1), service: spec, host: [:],
                specDigest: "d", preferredPort: nil),
            image: "sha256:abc", address: .nowhere, socketFolder: nil, folder: "/s/run/web-1.1", instance: "0123",
            stateDirectory: "/s", host: [:], given: nil)
        let line = order.line(for: .podman)
        #expect(!line.contains("--publish") && !line.contains("--mount") && !line.contains("PORT"))
    }

    @Test("a program in a container may have as many files open as one outside, whatever the engine's default")
    func openFiles() throws {
        var spec = service("web", [])
        spec.container = ContainerSpec(source: .image("x"))
        let given = OpenFiles.Limits(soft: 1024, hard: 9000)
        for kind in [ContainerEngine.Kind.podman, .docker] {
            for (wanted, words) in [(nil, "nofile=1024:9000"), (5000, "nofile=5000:9000")] as [(Int?, String)] {
                spec.resources.limits.openFiles = wanted
                let line = try order(spec, given: given).line(for: kind, limited: false)
                let place = try #require(line.firstIndex(of: "--ulimit"))
                #expect(line[place + 1] == words)
            }
        }
        spec.resources.limits.openFiles = 9001
        #expect(throws: LaunchFailure.self) { try order(spec, given: given) }
    }

    @Test("a variable with several lines is passed on, unless its name means something to the engine")
    func severalLines() throws {
        var spec = service("web", [], environment: [.init(name: "KEY", value: Template("a\nb"))])
        spec.container = ContainerSpec(source: .image("x"))
        #expect(try order(spec).variables.passed.contains("KEY=a\nb"))
        spec.environment = [.init(name: "HTTP_PROXY", value: Template("a\nb"))]
        #expect(throws: LaunchFailure.self) { try order(spec) }
    }

    @Test(
        "names of images: registry, repository, and whether they can move",
        arguments: [
            ("nginx", nil, "nginx", false), ("acme/api:1", nil, "acme/api", false),
            ("ghcr.io/acme/api:1.4", "ghcr.io", "ghcr.io/acme/api", false),
            ("host:5000/api", "host:5000", "host:5000/api", false),
            ("localhost/aloft/web:1", "localhost", "localhost/aloft/web", false),
            ("ghcr.io/a/b@sha256:12", "ghcr.io", "ghcr.io/a/b", true),
            ("sha256:" + String(repeating: "0a", count: 32), nil, "sha256", true),
        ] as [(String, String?, String, Bool)])
    func references(text: String, registry: String?, repository: String, isImmutable: Bool) {
        let reference = ImageReference(text)
        #expect(reference.registry == registry && reference.repository == repository)
        #expect(reference.isImmutable == isImmutable)
    }

    @Test("an image is recorded by the digest of the repository that was asked for, else by its id")
    func immutable() {
        let asked = ImageReference("ghcr.io/acme/api:1")
        let digests = ["docker.io/acme/api@sha256:11", "ghcr.io/acme/api@sha256:22"]
        #expect(Images.immutable(asked, id: "aa", digests: digests) == "ghcr.io/acme/api@sha256:22")
        #expect(Images.immutable(asked, id: "aa", digests: []) == "sha256:aa")
        let built = ImageReference("localhost/aloft/web:1")
        #expect(Images.immutable(built, id: "sha256:aa", digests: ["localhost/aloft/web@sha256:1"]) == "sha256:aa")
    }

    @Test(
        "what engines print becomes one line that says what to do",
        arguments: [
            ("Error: initializing source docker://r.io/a: reading manifest 1 in r.io/a: manifest unknown", "have it"),
            ("Error: reading manifest 1 in r.io/a: unauthorized: authentication required", "refuses access"),
            ("Error response from daemon: pull access denied for a, repository does not exist", "refuses access"),
            ("Error response from daemon: Head \"http://r.io/v2/\": no basic auth credentials", "refuses access"),
            ("Error: pinging container registry r.io: dial tcp: lookup r.io: no such host", "cannot be reached"),
            ("Error: pinging container registry r.io: Get \"https://r.io/v2/\": EOF", "cannot be pulled"),
            ("Error: tls: failed to verify certificate: x509: unknown authority", "no certificate"),
            ("Error: writing blob: no space left on device", "disk is full"),
        ])
    func pullFailures(printed: String, expected: String) {
        #expect(EngineText.pullFailure(ImageReference("r.io/a:1"), "noise\n" + printed + "\n").contains(expected))
    }

    @Test(
        "start failures likewise",
        arguments: [
            ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", "systemctl start"),
            ("Error: runc: exec: \"/x\": executable file not found in $PATH: OCI runtime attempted", "no such program"),
            ("Error: could not find slirp4netns, the network namespace can't be configured", "install what podman"),
            ("Error: rootlessport listen tcp 127.0.0.1:2: bind: address already in use", "another is taken"),
            (
                "Error: crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI",
                "install runc (`apt install runc`)"
            ),
            (
                "Error: OCI runtime error: crun: cgroups in hybrid mode not supported",
                "install runc (`apt install runc`)"
            ),
            ("Error: cannot find UID/GID for user x: no subuid ranges found", "uidmap"),
            ("runc create failed: exec: \"/x\": stat /x: no such file or directory: unknown", "no such program"),
            ("Error: something else", "cannot start the container: something else"),
            ("docker: no\n\nRun 'docker run --help' for more information", "cannot start the container: no"),
            ("docker: no.\nSee 'docker create --help'.", "cannot start the container: no."),
        ])
    func startFailures(printed: String, expected: String) {
        let engine = ContainerEngine(kind: .podman, path: "/usr/bin/podman")
        #expect(EngineText.startFailure(printed, engine).contains(expected))
    }

    @Test("only complaints about settings change them")
    func settings() {
        let rlimit = "Error: crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied"
        #expect(EngineText.blamesSettings(rlimit))
        #expect(EngineText.blamesSettings("Error: crun: cgroups in hybrid mode not supported"))
        #expect(!EngineText.blamesSettings("Error: executable file `/x` not found in $PATH"))
    }

    @Test("an image that was removed meanwhile is told from other reasons, in the words of both engines")
    func imageIsGone() {
        #expect(EngineText.saysImageIsGone("Error: localhost/none:1: image not known"))
        #expect(EngineText.saysImageIsGone("docker: Error response from daemon: No such image: none:1."))
        #expect(!EngineText.saysImageIsGone("Error: executable file `/x` not found in $PATH: No such file"))
    }

    @Test("no engine: the line says what to install; a chosen one that is not there is named")
    func noEngine() {
        #expect(throws: LaunchFailure.self) { try ContainerEngine.find(host: ["PATH": "/nowhere"]) }
        do throws(LaunchFailure) {
            _ = try ContainerEngine.find(host: ["PATH": "/nowhere", "ALOFT_CONTAINER_ENGINE": "nerdctl"])
            Issue.record("found")
        } catch {
            #expect(error.description.contains("ALOFT_CONTAINER_ENGINE") && error.description.contains("nerdctl"))
        }
    }

    @Test("what is noted of a container is read back")
    func note() {
        let note = ContainerNote(
            engine: ContainerEngine(kind: .docker, path: "/opt/a=b/docker"), name: "aloft-1-web-1.2", innerPort: 80)
        #expect(ContainerNote(parsing: note.text) == note)
        #expect(ContainerNote(parsing: "kind=podman\n") == nil)
    }

    @Test("credentials of a registry, as its file wants them")
    func login() throws {
        for (text, expected) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            #expect(RegistryLogin.base64(Array(text.utf8)) == expected)
        }
        #expect(
            RegistryLogin.text(registry: "r.io", username: "ci", password: "x")
                == "{\"auths\":{\"r.io\":{\"auth\":\"Y2k6eA==\"}}}\n")
    }

    @Test("the hash of a folder follows names, modes, links and bytes, and not Aloft's own files or .git")
    func contextHash() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            func now() throws -> String { try ContextHash.of(folder, leavingOut: "\(folder)/.aloft") }
            try AtomicFile.write("a".utf8, to: "\(folder)/one")
            var seen = [try now()]
            for path in [".aloft", ".git"] {
                try Directories.make("\(folder)/\(path)")
                try AtomicFile.write("x".utf8, to: "\(folder)/\(path)/file")
            }
            #expect(try now() == seen[0])
            let changes: [() throws -> Void] = [
                { try AtomicFile.write("b".utf8, to: "\(folder)/one") }, { _ = chmod("\(folder)/one", 0o755) },
                { rename("\(folder)/one", "\(folder)/two") }, { symlink("two", "\(folder)/link") },
                { try Directories.make("\(folder)/empty") }, { mkfifo("\(folder)/pipe", 0o600) },
                { close(creat(Array("\(folder)/".utf8).map { CChar(bitPattern: $0) } + [0x61, -1, 0], 0o600)) },
            ]
            for change in changes {
                try change()
                let hash = try now()
                #expect(!seen.contains(hash))
                seen.append(hash)
            }
        }
    }
}
