import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    /// The app's version is in its code, and nobody touches the file.
    @Suite("Code that runs in place")
    struct InPlaceReleases {
        @Test("edited code is a new release; a rollback to what is gone is refused before anything stops")
        func edited() async throws {
            try await withFixture { fixture in
                let app = try await CodedApp(fixture)
                _ = try await app.shipping.up()
                expect(try await app.run("deploy"), saying: "release 1 of `web` is the same", "nothing would change")
                try app.write(code: 2)
                let plan = try await app.run("plan").output
                #expect(plan.contains("the code of release 1 -> ") && plan.contains("code changed"), "\(plan)")
                let second = try await app.run("deploy")
                #expect(second.ending == .exited(0), "\(second.output)")
                #expect(try await app.shipping.served() == "version 2\n")
                let history = try await app.run("history").output
                #expect(history.contains("in place "), "\(history)")
                #expect(try await app.run("history", "--release", "2").output.contains("in place"))

                let before = try await app.shipping.standing()
                expect(
                    try await app.run("rollback"), saying: "release 1 of web can't be brought back", "code changed",
                    "git checkout", "--configuration-only", "artifact")
                #expect(try await app.shipping.standing() == before)
                try app.write(code: 1)
                let third = try await app.run("rollback")
                #expect(third.ending == .exited(0), "the old code is there again: \(third.output)")
                #expect(try await app.shipping.served() == "version 1\n")
            }
        }

        @Test("with --configuration-only the old configuration runs with the code of today")
        func configurationOnly() async throws {
            try await withFixture { fixture in
                let app = try await CodedApp(fixture)
                _ = try await app.shipping.up()
                try app.write(code: 2)
                let second = try await app.run("deploy", "--set", "env.LEVEL=debug")
                #expect(second.ending == .exited(0), "\(second.output)")
                expect(try await app.run("rollback"), saying: "can't be brought back")
                let third = try await app.run("rollback", "--configuration-only")
                #expect(third.ending == .exited(0), "\(third.output)")
                #expect(try await app.shipping.served() == "version 2\n")
                #expect(try await app.shipping.release(3).set == [])
            }
        }

        @Test("a link that moves is a new release; a rollback runs in the folder that it led to")
        func current() async throws {
            try await withFixture { fixture in
                var app = try await CodedApp(fixture)
                for version in 1...2 { try app.makeFolder("v\(version)", code: version) }
                try app.link("current", to: "v1")
                app.shipping.service += "\ndirectory: current"
                _ = try await app.shipping.up()
                try app.link("current", to: "v2")
                let second = try await app.run("deploy")
                #expect(second.ending == .exited(0), "\(second.output)")
                #expect(try await app.shipping.served() == "version 2\n")
                let third = try await app.run("rollback")
                #expect(third.ending == .exited(0), "\(third.output)")
                #expect(try await app.shipping.served() == "version 1\n")
                try FileManager.default.removeItem(atPath: app.shipping.folder + "/v2")
                expect(try await app.run("rollback", "--to", "2"), saying: "can't be brought back", "v2 is gone")
            }
        }

        @Test("new code that fails goes back, and it is said that the old code is not in the folder any more")
        func fails() async throws {
            try await withFixture { fixture in
                var app = try await CodedApp(fixture)
                app.shipping.deploy += "\nprogressDeadline: 2s"
                _ = try await app.shipping.up()
                try Data("exit 3\n".utf8).write(to: URL(fileURLWithPath: app.shipping.folder + "/start"))
                expect(
                    try await app.run("deploy"), saying: "release 2 of web was rolled back", "keep the old code",
                    "any that starts now runs the folder's new code")
                #expect(try await app.shipping.served() == "version 1\n")
                let events = try await app.run("events", "--since", "1h").output
                #expect(events.contains("keep the old code"), "\(events.suffix(1500))")
            }
        }

        @Test("`deploy.artifact` copies the folder into each release, and a rollback brings the code back")
        func artifact() async throws {
            try await withFixture { fixture in
                var app = try await CodedApp(fixture)
                try app.makeFolder("dist", code: 1)
                app.shipping.deploy += "\nartifact: dist"
                _ = try await app.shipping.up()
                #expect(try await app.shipping.release(1).artifact?.count == 12)
                try app.makeFolder("dist", code: 2)
                let second = try await app.run("deploy")
                #expect(second.ending == .exited(0), "\(second.output)")
                #expect(try await app.shipping.served() == "version 2\n")
                expect(try await app.run("deploy"), saying: "release 2 of `web` is the same")
                let third = try await app.run("rollback")
                #expect(third.ending == .exited(0), "\(third.output)")
                #expect(try await app.shipping.served() == "version 1\n")
                try FileManager.default.removeItem(atPath: app.shipping.folder + "/dist")
                let before = try await app.shipping.standing()
                expect(try await app.run("deploy"), saying: "deploy.artifact", "is no folder", "build the app first")
                #expect(try await app.shipping.standing() == before)
            }
        }
    }

    @Suite("What can't be brought back")
    struct LostReleases {
        @Test("a rollback to an artifact that is gone or damaged is refused before the running release stops")
        func artifactGone() async throws {
            try await withFixture { fixture in
                var app = try await CodedApp(fixture)
                app.shipping.deploy = "strategy: recreate"
                try app.makeFolder("build", code: 1)
                _ = try await app.shipping.up()
                let second = try await app.run("deploy", "--artifact", "build")
                #expect(second.ending == .exited(0), "\(second.output)")
                try app.makeFolder("build", code: 3)
                let third = try await app.run("deploy", "--artifact", "build")
                #expect(third.ending == .exited(0), "\(third.output)")
                let before = try await app.shipping.standing()
                #expect(before.answer == "version 3\n")
                let kept = app.shipping.folder + "/.aloft/releases"
                let digest = try #require(try await app.shipping.release(2).artifact)
                let name = try #require(
                    try FileManager.default.contentsOfDirectory(atPath: kept).first { $0.hasPrefix(digest) })
                try FileManager.default.removeItem(atPath: "\(kept)/\(name)/code")
                expect(
                    try await app.run("rollback"), saying: "release 2 of web can't be brought back",
                    "is not what it was when it was kept", "--artifact DIR")
                try FileManager.default.removeItem(atPath: "\(kept)/\(name)")
                expect(
                    try await app.run("rollback"), saying: "release 2 of web can't be brought back", "is not kept",
                    "aloft history web")
                #expect(try await app.shipping.standing() == before)

                let files = try FileManager.default.contentsOfDirectory(atPath: kept + "/files")
                for file in files where file.hasSuffix(".yaml") {
                    try FileManager.default.removeItem(atPath: "\(kept)/files/\(file)")
                }
                expect(try await app.run("rollback", "--to", "1"), saying: "release 1 of web can't be brought back")
                #expect(try await app.shipping.standing() == before)
            }
        }

        @Test(
            "a deploy on a full disk is refused with what takes the room; after `aloft prune` it goes through",
            .enabled(if: Namespace.canMount, "mount namespaces are not permitted here"))
        func fullDisk() async throws {
            try await withFixture { fixture in
                let app = try await CodedApp(fixture)
                _ = try await app.shipping.up(
                    wrapper: Namespace.wrapper(
                        "mkdir -m 700 .aloft .aloft/releases && mount -t tmpfs -o size=7m none .aloft/releases"))
                for version in 2...4 {
                    try app.makeFolder("build", code: version)
                    try Data(count: 1 << 20).write(to: URL(fileURLWithPath: app.shipping.folder + "/build/photos"))
                    let said = try await app.run("deploy", "--artifact", "build")
                    #expect(said.ending == .exited(0), "\(said.output)")
                }
                let before = try await app.shipping.standing()
                try app.makeFolder("build", code: 5)
                try Data(count: 4 << 20).write(to: URL(fileURLWithPath: app.shipping.folder + "/build/photos"))
                expect(
                    try await app.run("deploy", "--artifact", "build"), saying: "build needs 4", "can be used",
                    "artifacts 3", "journal", "aloft prune")
                #expect(try await app.shipping.standing() == before)
                let pruned = try await app.run("prune")
                #expect(pruned.ending == .exited(0), "\(pruned.output)")
                #expect(pruned.output.contains("web: releases 1, 2 are removed"), "\(pruned.output)")
                let fits = try await app.run("deploy", "--artifact", "build")
                #expect(fits.ending == .exited(0), "\(fits.output)")
                #expect(try await app.shipping.served() == "version 5\n")
            }
        }
    }
}

/// The shipping app whose version is in a file of its code.
private struct CodedApp: Sendable {
    var shipping: ShippingApp

    init(_ fixture: Fixture) async throws {
        shipping = try await ShippingApp(fixture)
        shipping.program = "command: [sh, ./start]"
        try Data("/*\n!/start\n!/code\n".utf8).write(to: URL(fileURLWithPath: shipping.folder + "/.aloftignore"))
        try write("", code: 1)
    }

    func write(code version: Int) throws { try write("", code: version) }

    /// A folder with the app and this code, made anew.
    func makeFolder(_ name: String, code version: Int) throws {
        let path = "\(shipping.folder)/\(name)"
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
        try shipping.artifact(name)
        try write(name + "/", code: version)
    }

    private func write(_ prefix: String, code version: Int) throws {
        let folder = shipping.folder + "/" + prefix
        if !FileManager.default.fileExists(atPath: folder + "start") {
            try Data("VERSION=$(cat code) exec ./version\n".utf8).write(to: URL(fileURLWithPath: folder + "start"))
        }
        try Data("\(version)".utf8).write(to: URL(fileURLWithPath: folder + "code"))
    }

    func link(_ name: String, to target: String) throws {
        let path = "\(shipping.folder)/\(name)"
        if (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil {
            try FileManager.default.removeItem(atPath: path)
        }
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    func run(_ words: String...) async throws -> ShippingApp.Said {
        try await Child.run([Checkout.aloft] + words, directory: shipping.folder, within: .seconds(90))
    }
}
