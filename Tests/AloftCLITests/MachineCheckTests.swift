import AloftLanguage
import AloftModel
import AloftTestKit
import Foundation
import Testing

@testable import AloftCLI

@Suite("What `check` finds on the machine")
struct MachineCheckTests {
    private func check(_ text: String, in folder: String, variables: [String: String] = [:]) throws -> [String] {
        // Several services need to be told who gets the requests.
        let more = text.contains("edge:") ? "" : "edge: {routes: [{match: {path: /*}, service: a}]}\n"
        let source = SourceFile(name: "aloft.yaml", directory: folder, text: "version: 1\n\(text)\n" + more)
        let reading = Language.read(source, variables: variables)
        let plan = try #require(reading.plan, "\(reading.diagnostics.map(\.message))")
        let machine = MachineCheck(plan, FilePlaces(source, environment: nil), variables: variables)
        return machine.diagnostics.map { "\($0.line):\($0.column) \($0.severity.rawValue) \($0.message)" }
    }

    private func write(_ text: String, to path: String, mode: Int = 0o644) throws {
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    @Test("a program that is there and can be run is not spoken of, in PATH as by its path")
    func found() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            try write("#!/bin/sh\n", to: folder + "/api/bin/run", mode: 0o755)
            try write("#!/bin/sh\n", to: folder + "/tools/mine", mode: 0o755)
            let text = """
                services:
                  a: {command: [./bin/run], directory: api, release: {command: [mine]}}
                  b: {command: ["${env.TOOL}"], env: {PATH: "\(folder)/tools"}}
                  c: {command: ["./${PORT}"]}
                """
            #expect(try check(text, in: folder, variables: ["PATH": folder + "/tools", "TOOL": "mine"]) == [])
        }
    }

    @Test("a program that is missing or cannot be run is a warning at its place, wherever commands stand")
    func missing() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            try write("#!/bin/sh\n", to: folder + "/run", mode: 0o644)
            let text = """
                services:
                  a:
                    command: [./app]
                    release: {command: [nosuch, x]}
                    deploy: {gates: {before: [{name: t, run: [./run]}]}}
                    probes: {readiness: {exec: [./probe]}}
                  b: {command: [./x], directory: nowhere}
                """
            #expect(
                try check(text, in: folder, variables: ["PATH": "/nowhere:/else"]) == [
                    "4:15 warning there is no program `./app` in \(folder)",
                    "5:25 warning there is no program `nosuch` in PATH (/nowhere:/else)",
                    "6:47 warning `\(folder)/./run` is not executable",
                    "7:33 warning there is no program `./probe` in \(folder)",
                    "8:34 warning there is no folder \(folder)/nowhere",
                ])
        }
    }

    @Test("a script that is missing is a warning, unless an artifact brings it")
    func scripts() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            try write("#!/bin/sh\n", to: folder + "/bin/python3.11", mode: 0o755)
            try write("", to: folder + "/app/there.py")
            let text = """
                services:
                  a: {command: [python3.11, app.py]}
                  b: {command: [python3.11, there.py, gone.py], directory: app}
                  c: {command: [python3.11, -m, gone.py]}
                  d: {command: [python3.11, gone.py], deploy: {artifact: ./app}}
                """
            #expect(
                try check(text, in: folder, variables: ["PATH": folder + "/bin"]) == [
                    "3:29 warning there is no file \(folder)/app.py"
                ])
        }
    }

    @Test("a file server that sends Aloft's own files and the secrets beside them is a warning")
    func published() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            for name in ["python3", "busybox", "php"] {
                try write("#!/bin/sh\n", to: folder + "/bin/\(name)", mode: 0o755)
            }
            try write("", to: folder + "/public/index.html")
            let said = { (line: Int, column: Int, sent: String) in
                "\(line):\(column) warning this sends every file below \(sent) to whoever asks, also this file, `.env` and "
                    + "`.aloft` with its journal"
            }
            let text = """
                services:
                  a: {command: [python3, -m, http.server]}
                  b: {command: [python3, -m, http.server, --directory, ./public/..]}
                  c: {command: [python3, -m, http.server, --directory, public]}
                  d: {command: [busybox, httpd, -f, -h, /]}
                  e: {command: [python3, -m, http.server], directory: public}
                  f: {command: [python3, -m, http.server, --directory=public]}
                  g: {command: [php, -S, "127.0.0.1:${PORT}", router.php]}
                  h: {command: [php, -S, "127.0.0.1:${PORT}"]}
                """
            #expect(
                try check(text, in: folder, variables: ["PATH": folder + "/bin"]) == [
                    said(3, 7, folder), said(4, 7, folder), said(6, 7, "/"), said(10, 7, folder),
                ])
        }
    }

    @Test("a container's folder, its Dockerfile and an engine are looked for, and its programs are not")
    func containers() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            try FileManager.default.createDirectory(atPath: folder + "/empty", withIntermediateDirectories: true)
            try write("#!/bin/sh\n", to: folder + "/bin/podman", mode: 0o755)
            let text = """
                services:
                  a: {build: nowhere, command: [/in/image]}
                  b: {build: empty}
                  c: {image: "x:1", containerPort: 80}
                """
            #expect(
                try check(text, in: folder, variables: ["PATH": folder + "/bin"]) == [
                    "3:14 warning there is no folder \(folder)/nowhere",
                    "4:14 warning \(folder)/empty has no Containerfile and no Dockerfile",
                ])
            let without = try check(text, in: folder, variables: ["PATH": folder])
            #expect(without.last == "5:14 warning `image` needs podman or docker, and neither is in PATH (\(folder))")
            #expect(without.count == 5)
        }
    }

    @Test(
        "a certificate that is missing is a warning; one that cannot be used is an error at its place",
        .enabled(if: Machine.has(program: "openssl"), "needs openssl"))
    func certificates() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            func make(_ name: String, days: String = "90") async throws {
                let made = try await Child.run(
                    [
                        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes",
                        "-days", days, "-subj", "/CN=a.example", "-addext", "subjectAltName=DNS:a.example", "-keyout",
                        "\(name).key", "-out", "\(name).pem",
                    ], directory: folder)
                try #require(made.ending == .exited(0), "\(made.output)")
            }
            try await make("good")
            try await make("other")
            try write("no certificate", to: folder + "/bad.pem")
            func messages(_ certificate: String, _ key: String) throws -> [String] {
                try check(
                    """
                    services: {a: {command: [/bin/sh]}}
                    edge:
                      tls:
                        certificates:
                          - hosts: [a.example]
                            files:
                              certificate: \(certificate)
                              key: \(key)
                    """, in: folder)
            }
            #expect(try messages("good.pem", "good.key") == [])
            #expect(
                try messages("none.pem", "none.key") == [
                    "8:24 warning there is no certificate \(folder)/none.pem",
                    "9:16 warning there is no key \(folder)/none.key",
                ])
            let mismatch = try messages("good.pem", "other.key")
            #expect(mismatch.count == 1 && mismatch[0].hasPrefix("9:16 error "), "\(mismatch)")
            let malformed = try messages("bad.pem", "good.key")
            #expect(malformed.count == 1 && malformed[0].hasPrefix("8:24 error "), "\(malformed)")
            try await make("short", days: "1")
            let short = try messages("short.pem", "short.key")
            #expect(short.count == 1 && short[0].hasPrefix("8:24 warning "), "\(short)")
        }
    }
}
