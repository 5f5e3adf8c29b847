import AloftLanguage
import AloftModel
import Foundation
import Testing

@Suite("The effective file")
struct EffectiveFileTests {
    @Test("reads as the plan that it was written from, for a thousand files", arguments: 0..<10)
    func roundTrip(batch: Int) throws {
        for number in 0..<100 {
            let seed = UInt64(batch * 100 + number)
            let text = RandomFile.text(seed: seed)
            let reading = read(text)
            let said = DiagnosticRenderer(color: false).text(reading.errors.map { $0 })
            let isRead = reading.plan != nil
            try #require(isRead, "seed \(seed): the generated file is not valid\n\(said)")
            let plan = try #require(reading.plan)
            let again = read(plan.effectiveFile())
            let why = DiagnosticRenderer(color: false).text(again.errors)
            let isEqual = again.plan == plan
            #expect(isEqual, "seed \(seed)\n\(text)\n\(plan.effectiveFile())\n\(why)")
            #expect(again.plan?.effectiveFile() == plan.effectiveFile(), "seed \(seed)")
        }
    }

    @Test("reads as its plan for every golden file that is a plan")
    func goldenRoundTrip() throws {
        for name in Here.golden {
            let source = SourceFile(name: name, directory: "/app", bytes: try Here.bytes("Golden/\(name).yaml"))
            guard let plan = Language.read(source, variables: variables).plan else { continue }
            let isEqual = read(plan.effectiveFile()).plan == plan
            #expect(isEqual, "\(name)\n\(plan.effectiveFile())")
        }
    }

    @Test("keeps the environment that was laid over it")
    func environment() throws {
        let text = """
            version: 1
            services: {web: {command: [./web]}}
            environments: {staging: {logs: {level: debug}}}
            """
        let plan = try #require(read(text, environment: "staging").plan)
        #expect(plan.environment == "staging")
        #expect(plan.logs.level == .debug)
        #expect(read(plan.effectiveFile(), environment: "staging").plan == plan)
    }

    @Test("writes out every default (ALOFT_RECORD=1 writes it)")
    func defaults() throws {
        let plan = try #require(read("version: 1\nservices: {web: {command: [./web]}}\n").plan)
        if ProcessInfo.processInfo.environment["ALOFT_RECORD"] == "1" {
            let place = Here.folder.appendingPathComponent("Effective.expected")
            try plan.effectiveFile().write(to: place, atomically: true, encoding: .utf8)
        }
        let expected = try Here.text("Effective.expected")
        #expect(plan.effectiveFile() == expected)
    }
}
