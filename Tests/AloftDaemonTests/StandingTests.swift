import AloftLanguage
import AloftModel
import AloftRollout
import AloftTestKit
import Testing

@testable import AloftDaemon

@Suite("What runs, what the file says, and what a reload would do")
struct StandingTests {
    /// A gate, so that the first release is rolled out like any other.
    private static func text(_ environment: [String: String]) -> String {
        let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key): \"\($0.value)\"" }
        return """
            version: 1
            app: shop
            services:
              web:
                command: [./web]
                env: {\(variables.joined(separator: ", "))}
                deploy: {strategy: recreate, gates: {before: [{name: t, run: [./t]}]}}
            edge:
              routes: [{match: {path: /*}, service: web}]
            """
    }

    private func stage(
        _ environment: [String: String], variables: [String: String] = [:], _ fixture: Fixture
    ) async throws -> ReleaseStage {
        try await ReleaseStage(Self.text(environment), variables: variables, in: try fixture.directory())
    }

    @Test("what `--set` said stays when the file says otherwise, is told, and ends with `--unset`")
    func override() async throws {
        try await withFixture { fixture in
            let stage = try await stage(["VERSION": "1"], fixture)
            try await stage.play {
                try await stage.reload(Self.text(["VERSION": "1"]))
                try await stage.deploy(set: ["VERSION": "2"])
                let edited = Self.text(["VERSION": "9"])
                let said = try await stage.statement(of: edited)
                #expect(said.changes == [])
                #expect(
                    said.notes == [
                        "env.VERSION of web stays 2: set by `aloft deploy --set` in release 2; "
                            + "`aloft deploy web --unset env.VERSION` lets the file speak"
                    ])
                try await stage.reload(edited)
                #expect(try await stage.launched() == ["VERSION": "2"])
                #expect(try await stage.statement(of: edited).notes == said.notes)
                try await stage.deploy(unset: ["VERSION"])
                #expect(try await stage.launched() == ["VERSION": "9"])
                #expect(try await stage.statement(of: edited).notes == [])
                await #expect(throws: ControlFailure.self) { try await stage.deploy(unset: ["VERSION"]) }
            }
        }
    }

    @Test("after a rollback the file is not followed until it changes, and that is told")
    func rollback() async throws {
        try await withFixture { fixture in
            let stage = try await stage(["A": "1"], fixture)
            try await stage.play {
                try await stage.reload(Self.text(["A": "1"]))
                try await stage.reload(Self.text(["A": "2"]))
                try await stage.rollback(to: 1)
                #expect(try await stage.launched() == ["A": "1"])
                let said = try await stage.statement(of: Self.text(["A": "2"]))
                #expect(said.changes == [])
                #expect(said.notes.first?.hasPrefix("web stays as release 3 has it") == true, "\(said.notes)")
                #expect(said.notes.first?.contains("a rollback to 1") == true)
            }
        }
    }

    @Test("another value of the shell is a release, told without the value; one that is not set there stays")
    func shell() async throws {
        try await withFixture { fixture in
            let text = Self.text(["TOKEN": "${env.TOKEN}"])
            let stage = try await stage(["TOKEN": "${env.TOKEN}"], variables: ["TOKEN": "old", "HOME": "/x"], fixture)
            try await stage.play {
                try await stage.reload(text)
                #expect(try await stage.statement(of: text, ["TOKEN": "old"]).changes == [])
                let kept = try await stage.statement(of: text, [:])
                #expect(kept.changes == [] && kept.notes.first?.contains("keeps the value") == true)
                let said = try await stage.statement(of: text, ["TOKEN": "s3cret", "HOME": "/other"])
                #expect(said.changes == [Language.newValue(of: "TOKEN", for: "web")])
                #expect(!"\(said.changes) \(said.notes)".contains("s3cret"))
                #expect(said.offer.values["HOME"] == "/x", "only what the file reads")
                try await stage.reload(text, ["TOKEN": "s3cret"])
                let releases = try await stage.deployer.rollouts.releases(of: "web")
                #expect(releases.map(\.number) == [1, 2])
                #expect(!"\(releases)".contains("s3cret"))
                // Release 1 would run with the present value: nothing would come back.
                await #expect(throws: ControlFailure.self) { try await stage.rollback(to: 1) }
            }
        }
    }

    @Test("over random edits, --set, --unset, reloads and rollbacks what is said is what then runs", arguments: 0..<12)
    func random(_ seed: UInt64) async throws {
        try await withFixture { fixture in
            let stage = try await stage(["A": "0", "B": "0"], fixture)
            try await stage.play {
                var random = Seeded(seed: seed)
                var text = Self.text(["A": "0", "B": "0"])
                try await stage.reload(text)
                for step in 0..<25 {
                    let before = try await stage.launched()
                    let place = "seed \(seed), step \(step)"
                    switch Int.random(in: 0..<6, using: &random) {
                    case 0...2:
                        var environment: [String: String] = [:]
                        for name in ["A", "B", "C"] where Int.random(in: 0..<4, using: &random) > 0 {
                            environment[name] = "\(Int.random(in: 0..<3, using: &random))"
                        }
                        text = Self.text(environment)
                        let said = try await stage.statement(of: text)
                        try await stage.reload(text)
                        #expect(try await stage.launched() == said.applied(to: before), "\(place): \(said)")
                    case 3:
                        let name = ["A", "B", "C"].randomElement(using: &random) ?? "A"
                        let value = "\(Int.random(in: 0..<3, using: &random))"
                        try await Self.accepting { try await stage.deploy(set: [name: value]) }
                    case 4:
                        let name = ["A", "B", "C"].randomElement(using: &random) ?? "A"
                        try await Self.accepting { try await stage.deploy(unset: [name]) }
                    default:
                        let releases = try await stage.deployer.rollouts.releases(of: "web")
                        let chosen = releases.randomElement(using: &random)?.number ?? 1
                        try await Self.accepting { try await stage.rollback(to: chosen) }
                    }
                    // What is said of the file as it is: nothing would change, and each difference has its reason.
                    let launched = try await stage.launched()
                    let said = try await stage.statement(of: text)
                    #expect(said.changes == [], "\(place)")
                    let file = Dictionary(
                        uniqueKeysWithValues: (stage.file.plan.services.first?.environment ?? [])
                            .map { ($0.name, "\($0.value)") })
                    let isHeldBack = said.notes.contains { $0.contains("stays as release") }
                    for name in Set(launched.keys).union(file.keys) where launched[name] != file[name] {
                        #expect(
                            isHeldBack || said.notes.contains { $0.hasPrefix("env.\(name) of web") },
                            "\(place): \(name) is \(launched[name] ?? "-"), \(file[name] ?? "-") in the file: \(said.notes)"
                        )
                    }
                }
            }
        }
    }

    /// A request that would change nothing is refused, and changes nothing.
    private static func accepting(_ body: @Sendable () async throws -> Void) async throws {
        do {
            try await body()
        } catch RolloutError.sameRelease {
        } catch let failure as ControlFailure where failure.code == .refused {
        }
    }
}

/// SplitMix64.
private struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
