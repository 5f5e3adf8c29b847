import AloftModel
import Foundation
import Testing

@testable import AloftRollout

/// One story: a strategy, a version, and what becomes of it. `ALOFT_RECORD=1` writes the logs anew.
struct Story: Sendable, CustomTestStringConvertible {
    var name: String
    var spec: ServiceSpec
    var behaviour = Behaviour.good
    var world = World()
    var requests: [(Duration, RolloutRequest)] = []

    var testDescription: String { name }

    static let strategies: [(String, DeploySpec)] = [
        ("canary", .canary()), ("rolling", .rolling()), ("blueGreen", .blueGreen), ("recreate", .recreate),
    ]

    static let versions: [(String, Behaviour)] = [
        ("good", .good), ("errors", Behaviour(failures: 2000)), ("slow", Behaviour(latency: 900)),
        ("crashing", Behaviour(crashAfter: .seconds(30))), ("never-ready", Behaviour(neverReady: true)),
        ("flapping", Behaviour(flapEvery: .seconds(15))),
    ]

    static let all: [Story] = strategies.flatMap { strategy, deploy in
        versions.map { version, behaviour in
            Story(
                name: "\(strategy)-\(version)", spec: .web(deploy), behaviour: behaviour,
                requests: [(.seconds(120), .approve(name: "qa", by: "bob"))])
        }
    }

    func driver() -> SyncDriver {
        var world = world
        world.behaviours[2] = behaviour
        var driver = SyncDriver(world, spec)
        driver.requests = requests
        return driver
    }
}

@Suite("Golden logs")
struct GoldenTests {
    @Test("each strategy goes its way with good and with bad versions", arguments: Story.all)
    func story(_ story: Story) throws {
        var driver = story.driver()
        driver.run()
        driver.settle()
        let world = driver.world
        var lines = driver.log
        lines.append(
            "ends \(driver.journal.state.phase.rawValue): primary release \(world.primary ?? 0), sets "
                + world.states().map { "\($0.release): \($0.ready) of \($0.desired)" }.joined(separator: ", "))
        lines.append("requests: \(world.failed) of \(world.sent) failed, \(world.dropped) found nobody")
        #expect(driver.violations.isEmpty)
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/\(story.name).log")
        let text = lines.joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["ALOFT_RECORD"] != nil {
            try text.write(to: path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: path, encoding: .utf8) == text, "run with ALOFT_RECORD=1 to write it anew")
    }
}
