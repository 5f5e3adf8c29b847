import AloftModel
import AloftSystem
import AloftTestKit
import Glibc
import Testing

@testable import AloftCompute

@Suite("Users", .serialized, .enabled(if: geteuid() == 0, "only root can start processes as somebody else"))
struct UserTests {
    private func asNobody(_ command: [String], listen: ServiceSpec.Listen = .nothing) -> ServiceSpec {
        var spec = service("web", command, listen: listen)
        spec.user = UserSpec(name: "nobody")
        return spec
    }

    @Test(
        "a replica, its probes, commands beside it and release commands run as the user, and nothing of root's is left")
    func rights() async throws {
        let print = "id -u; id -g; grep -E '^(Groups|CapEff)' /proc/self/status; echo $HOME $USER $LOGNAME"
        var spec = asNobody(Programs.shell("\(print); echo more > /dev/stderr; exec sleep 1000"))
        let nobody = try #require(try UserIdentity.find(user: "nobody", group: nil))
        let check = ["/bin/sh", "-c", "test $(id -u) = \(nobody.rights.user)"]
        spec.probes.readiness = ProbeTests.probe(.exec(check.map { Template($0) }))
        try await withRig([spec]) { [spec] rig, _ in
            let ready = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            let said = try await eventually("it printed") {
                let text = try readSpool("\(rig.directory)/run/web-1.1/stdout")
                return text.contains("nobody") ? text : nil
            }
            #expect(said.hasPrefix("\(nobody.rights.user)\n\(nobody.rights.group)\n"), "\(said)")
            #expect(said.contains("CapEff:\t0000000000000000"))
            #expect(said.hasSuffix("\(nobody.home) nobody nobody\n"))
            #expect(try ProcessRow(pid: try #require(ready.pid)).group == ready.pid)
            let errors = try readSpool("\(rig.directory)/run/web-1.1/stderr")
            #expect(errors == "more\n", "a program may open /dev/stderr: \(errors)")
            let heard = Heard()
            let id = Programs.shell("id -u; echo $USER")
            _ = try await rig.compute.exec("web", command: id, timeout: .seconds(10)) { heard.add($0) }
            #expect(heard.text == "\(nobody.rights.user)\nnobody\n")
            let result = await rig.compute.run(
                ServiceCommand(
                    command: id.map { Template($0) }, spec: spec, release: 1, mark: "user-test", timeout: .seconds(10)))
            #expect(result.outcome == .exited(0) && result.output.text.contains("nobody"), "\(result)")
        }
    }

    @Test("its Unix socket is where it can make it and nobody else can, and goes with it")
    func socket() async throws {
        let spec = asNobody(ProbeTests.server("/tmp"), listen: .unix)
        try await withRig([spec]) { rig, _ in
            let ready = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            guard case .unix(let path)? = ready.address else {
                Issue.record("no socket")
                return
            }
            #expect(path.hasPrefix("/run/aloft-"))
            var status = stat()
            #expect(stat(Directories.parent(of: path), &status) == 0 && status.st_mode & 0o7777 == 0o700)
            await rig.compute.stopAll()
            #expect(access(Directories.parent(of: Directories.parent(of: path)), F_OK) != 0)
        }
    }

    @Test("it is let through to its artifact in the state directory, and to nothing beside it")
    func artifact() async throws {
        try await withFixture { fixture in
            let state = try fixture.directory()
            let folder = state + "/releases/abc/tree"
            try Directories.make(folder)
            try ProbeTests.write("hello\n", folder + "/page")
            chmod(folder + "/page", 0o444)
            chmod(folder, 0o755)
            chmod(state + "/releases/abc", 0o755)
            try ProbeTests.write("secret\n", state + "/journal.sqlite")
            chmod(state + "/journal.sqlite", 0o644)
            var spec = asNobody(
                Programs.shell("cat \(folder)/page; cat \(state)/journal.sqlite; ls \(state); exec sleep 1000"))
            spec.directory = folder
            let rig = Rig(state, [spec])
            rig.start()
            fixture.atEnd("stop") {
                await rig.compute.stopAll()
                try await rig.crash()
            }
            _ = try await rig.replica("web-1", "is ready") { $0.state == .ready }
            #expect(try readSpool(state + "/run/web-1.1/stdout") == "hello\n")
        }
    }

    @Test("an unknown user, an unknown group and a folder that is closed to it are failures that say what to do")
    func failures() async throws {
        try await withFixture { fixture in
            let closed = try fixture.directory()
            chmod(closed, 0o700)
            var unknown = service("unknown", ["/bin/sleep", "9"], listen: .nothing)
            unknown.user = UserSpec(name: "no-such-user")
            var group = service("group", ["/bin/sleep", "9"], listen: .nothing)
            group.user = UserSpec(name: "nobody", group: "no-such-group")
            var folder = service("folder", ["/bin/sleep", "9"], listen: .nothing)
            folder.user = UserSpec(name: "nobody")
            folder.directory = closed
            try await withRig([unknown, group, folder]) { rig, _ in
                let first = try await rig.replica("unknown-1", "failed") { $0.state == .failed }
                #expect(first.reason?.contains("no user `no-such-user`; make it") == true, "\(first.reason ?? "")")
                let second = try await rig.replica("group-1", "failed") { $0.state == .failed }
                #expect(second.reason?.contains("no group `no-such-group`; make it") == true, "\(second.reason ?? "")")
                let third = try await rig.replica("folder-1", "failed") { $0.state == .failed }
                #expect(third.reason?.contains("the user nobody may not") == true, "\(third.reason ?? "")")
            }
        }
    }
}

@Suite("Users, looked up")
struct UserLookupTests {
    @Test("a name and its number are the same user; another group stands alone")
    func numbers() throws {
        try #require(geteuid() == 0)
        let root = try #require(try UserIdentity.find(user: "root", group: nil))
        #expect(
            root.rights.user == 0 && root.rights.group == 0 && root.rights.groups.contains(0)
                && root.home.hasPrefix("/"))
        #expect(try UserIdentity.find(user: "0", group: nil) == root)
        let other = try #require(try UserIdentity.find(user: "root", group: "12"))
        #expect(other.rights.group == 12 && other.rights.groups == [12])
        #expect(try UserIdentity.find(user: "54321", group: "54322")?.rights.user == 54_321)
        #expect(throws: UserIdentity.Failure.noGroup(user: "54321")) {
            try UserIdentity.find(user: "54321", group: nil)
        }
    }

    @Test("another user's processes need root; who runs already needs nothing")
    func notRoot() {
        let failure = UserIdentity.Failure.notRoot(user: "app", running: "dev")
        #expect(failure.description.contains("needs root: Aloft runs as dev"))
    }
}
