import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("envFiles")
    struct EnvFiles {
        private static let envFiles = "envFiles: [.env, {path: .env.local, optional: true}]"

        private func write(_ text: String, _ name: String = ".env", in folder: String) throws {
            let path = "\(folder)/\(name)"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        }

        private func variable(_ name: String, _ aloft: Aloft) async throws -> String {
            try await aloft.command("exec", "web", "--", "sh", "-c", "printf %s \"$\(name)\"").output
        }

        @Test(
            "replicas get what the files hold; a changed file is a new release, and a rollback brings the old values back"
        )
        func changedAndBack() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web", extra: "env: {COLOR: green}\n\(Self.envFiles)")
                let folder = try fixture.directory()
                try write("TOKEN=one\nCOLOR=red\nBASE=/x\nURL=${BASE}/y # joined\n", in: folder)
                let aloft = try Aloft.start(in: folder, file: file.text, fixture: fixture)
                _ = try await aloft.ready(1)
                #expect(try await variable("TOKEN", aloft) == "one")
                #expect(try await variable("COLOR", aloft) == "green")
                #expect(try await variable("URL", aloft) == "/x/y")

                try write("TOKEN=two\n", in: folder)
                let planned = try await aloft.command("plan")
                #expect(planned.output.contains("services.web.envFiles: .env changed"), "\(planned.output)")
                let reloaded = try await aloft.command("reload")
                #expect(reloaded.output.contains(".env changed"), "\(reloaded.output)")
                try await eventually("the new value runs") { try await variable("TOKEN", aloft) == "two" }
                _ = try await aloft.status("release 2 is current") { $0.services[0].release == 2 }

                try write("TOKEN=three\n", ".env.local", in: folder)
                let deployed = try await aloft.command("deploy", "web")
                #expect(deployed.ending == .exited(0) && deployed.output.contains("envFiles: .env.local is there now"))
                #expect(try await variable("TOKEN", aloft) == "three")

                let back = try await aloft.command("rollback", "web", "--to", "1")
                #expect(back.ending == .exited(0), "\(back.output)")
                #expect(try await variable("TOKEN", aloft) == "one")
                #expect(try await variable("URL", aloft) == "/x/y")
            }
        }

        @Test("a value is in no output of any command, and in the state directory only where releases keep it")
        func canary() async throws {
            try await withFixture { fixture in
                let secret = "canary-5f2b9c-\(UInt64.random(in: 1 ... .max))"
                let file = try AppFile(app: "web", extra: Self.envFiles)
                let folder = try fixture.directory()
                try write("TOKEN='\(secret)'\n", in: folder)
                let aloft = try Aloft.start(in: folder, file: file.text, fixture: fixture)
                _ = try await aloft.ready(1)
                var said = ""
                for words in [
                    ["check"], ["check", "--json"], ["plan"], ["plan", "--json"], ["status"], ["status", "--json"],
                    ["restart", "web", "--wait"], ["events", "--json"], ["history", "web"],
                    ["history", "web", "--json"],
                    ["logs"], ["explain", "envFiles"], ["reload"], ["reload", "--json"],
                ] {
                    said += try await Child.run([Checkout.aloft] + words, directory: folder).output
                }
                try write("TOKEN='\(secret)'\nOTHER=$\(secret.prefix(6))\nbroken \(secret)\n", in: folder)
                for words in [["check"], ["check", "--json"], ["reload"], ["reload", "--json"], ["deploy", "web"]] {
                    let answer = try await Child.run([Checkout.aloft] + words, directory: folder)
                    #expect(answer.ending == .exited(2), "\(words): \(answer.output)")
                    #expect(answer.output.contains(".env:2:7") || words.contains("--json"), "\(answer.output)")
                    said += answer.output
                }
                try write("TOKEN='\(secret)-new'\n", in: folder)
                for words in [["plan"], ["deploy", "web"], ["history", "web", "--json"], ["rollback", "web"]] {
                    said += try await Child.run([Checkout.aloft] + words, directory: folder).output
                }
                said += aloft.output
                #expect(!said.contains(secret), "a command printed it")
                try await aloft.stop()
                var places: [String] = []
                let files = try #require(FileManager.default.enumerator(atPath: aloft.state))
                for case let path as String in files {
                    guard let bytes = FileManager.default.contents(atPath: "\(aloft.state)/\(path)") else { continue }
                    guard bytes.range(of: Data(secret.utf8)) != nil else { continue }
                    places.append(path)
                    let attributes = try FileManager.default.attributesOfItem(atPath: "\(aloft.state)/\(path)")
                    #expect(attributes[.posixPermissions] as? Int == 0o600)
                }
                #expect(places.count == 2 && places.allSatisfy { $0.hasPrefix("releases/env/") }, "\(places)")
                let mode = try FileManager.default.attributesOfItem(atPath: aloft.state + "/releases/env")
                #expect(mode[.posixPermissions] as? Int == 0o700)
            }
        }

        @Test("a file that is missing or wrong stops `up` and `reload`, and what runs goes on")
        func refused() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web", extra: "envFiles: [.env]")
                let folder = try fixture.directory()
                try file.text.write(toFile: folder + "/aloft.yaml", atomically: true, encoding: .utf8)
                let missing = try await Child.run([Checkout.aloft, "up"], directory: folder)
                #expect(
                    missing.ending == .exited(2) && missing.output.contains("there is no file"), "\(missing.output)")
                try write("TOKEN=one\n", in: folder)
                let aloft = try Aloft.again(in: folder, fixture: fixture)
                _ = try await aloft.ready(1)
                try FileManager.default.removeItem(atPath: folder + "/.env")
                let gone = try await aloft.command("reload")
                #expect(gone.ending == .exited(2) && gone.output.contains("nothing was changed"), "\(gone.output)")
                #expect(try await variable("TOKEN", aloft) == "one")
            }
        }

        @Test("a daemon that was killed goes on with the values of the release, not with those of the file")
        func killed() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web", extra: Self.envFiles)
                let folder = try fixture.directory()
                try write("TOKEN=one\n", in: folder)
                let aloft = try Aloft.start(in: folder, file: file.text, fixture: fixture)
                let pid = try #require(try await aloft.ready(1).replicas[0].pid)
                kill(aloft.pid, SIGKILL)
                _ = try await aloft.child.ended()
                let next = try Aloft.again(in: folder, fixture: fixture)
                let status = try await next.ready(1)
                #expect(status.replicas[0].pid == pid, "the same values need no other process")
                #expect(try await variable("TOKEN", next) == "one")
            }
        }
    }
}
