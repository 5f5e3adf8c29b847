import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("Releases of images", .enabled(if: ContainerImage.canRun))
    struct ImageReleases {
        @Test("a release keeps the image that was built for it: a rollback runs it, whatever the folder holds now")
        func built() async throws {
            try await withFixture { fixture in
                let folder = try fixture.directory()
                try await ContainerImage.compile(into: folder)
                var file = try AppFile(
                    """
                      pinned:
                        build: \(folder)
                        probes: {readiness: {httpGet: /ready, period: 200ms}}
                        stop: {drain: 1s, grace: 1s}
                    """)
                file.routes = "[{match: {path: /*}, service: pinned}]"
                try ContainerImage.describe(["VERSION": "one"], in: folder)
                fixture.atEnd("remove what was built") { try await ContainerImage.removeBuilt(for: "pinned") }
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1, within: .seconds(90))
                #expect(try await version(file) == "one")

                try ContainerImage.describe(["VERSION": "two"], in: folder)
                #expect(try await aloft.command("reload").ending == .exited(0))
                #expect(try await version(file) == "one", "a reload looks at the file, not into the folder")
                let deployed = try await aloft.command("deploy", within: .seconds(90))
                #expect(deployed.ending == .exited(0), "\(deployed.output)")
                #expect(try await version(file) == "two")

                let again = try await aloft.command("deploy", within: .seconds(90))
                #expect(again.output.contains("release 2 of `pinned` is the same"), "\(again.output)")
                let back = try await aloft.command("rollback", within: .seconds(90))
                #expect(back.ending == .exited(0), "\(back.output)")
                #expect(try await version(file) == "one")
            }
        }

        @Test("an image that can't be had holds up nobody else, is told in status, and is not half a release")
        func missing() async throws {
            try await withFixture { fixture in
                var file = try AppFile(app: "web")
                file.services += """

                      side:
                        image: localhost/aloft-scenario/there-is-none:1
                        pull: never
                    """
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1, of: "web")
                #expect(try await fetch("/", at: file.target).status == 200)
                let status = try await eventually("status says what is missing") {
                    let text = try await aloft.command("status").output
                    return text.contains("there-is-none:1") && text.contains("tried again in") ? text : nil
                }
                #expect(status.contains("could not be deployed"), "\(status)")
                let history = try await aloft.command("history", "side")
                #expect(history.output.contains("there is no release yet"), "\(history.output)")
                let deploy = try await aloft.command("deploy", "side")
                #expect(deploy.ending == .exited(1))
                #expect(deploy.output.contains("there-is-none:1"), "\(deploy.output)")
            }
        }

        @Test(
            "containers and what `aloft run` starts get what `envFiles` hold; a command has standard input and its exit code"
        )
        func environment() async throws {
            try await withFixture { fixture in
                let image = try await ContainerImage(fixture)
                var file = try AppFile(
                    """
                      boxed:
                        image: \(image.name)
                        envFiles: [.env]
                        probes: {readiness: {httpGet: /ready, period: 200ms}}
                        stop: {drain: 1s, grace: 1s}
                    """)
                file.routes = "[{match: {path: /*}, service: boxed}]"
                let folder = try fixture.directory()
                try "VERSION=from-a-file\nTOKEN='a b'\n"
                    .write(toFile: folder + "/.env", atomically: true, encoding: .utf8)
                let aloft = try Aloft.start(in: folder, file: file.text, fixture: fixture)
                _ = try await aloft.ready(1, within: .seconds(90))
                #expect(try await version(file) == "from-a-file")

                let shell = "echo typed | \(Checkout.aloft) run boxed -- /version show TOKEN"
                let ran = try await Child.run(["sh", "-c", shell], directory: folder, within: .seconds(60))
                #expect(ran.ending == .exited(9), "\(ran.output)")
                #expect(ran.output.contains("TOKEN=a b\ntyped\n"), "\(ran.output)")
                let missing = try await aloft.command("run", "boxed", "--", "/no-such-program", within: .seconds(60))
                #expect(missing.ending != .exited(0) && missing.output.contains("no-such-program"), "\(missing.output)")
                #expect(try await version(file) == "from-a-file", "the replica runs on")
            }
        }

        private func version(_ file: AppFile) async throws -> String {
            let answer = try await fetch("/version", at: file.target)
            return String(decoding: answer.body, as: UTF8.self)
                .replacing("version", with: "").trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }
}
