import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("The daemon is told to stop twice")
    struct StopTwice {
        @Test("the second SIGINT ends everything at once, with 1, and leaves no process and no socket")
        func atOnce() async throws {
            try await withFixture { fixture in
                let aloft = try await ready(fixture)
                aloft.child.signal(SIGINT)
                try await eventually("the stop has begun") { aloft.output.contains("daemon.stopping") }
                // A wrapper's echo of the first signal is none; a person is slower than that.
                let clock = ContinuousClock()
                let begun = clock.now
                try await eventually("half a second is over") { clock.now - begun > .milliseconds(600) }
                aloft.child.signal(SIGINT)
                #expect(try await aloft.child.ended(within: .seconds(3)) == .exited(1), "\(aloft.output)")
                try await eventually("no process is left") { Processes.withDirectory(aloft.directory).isEmpty }
                #expect(!FileManager.default.fileExists(atPath: aloft.state + "/control.sock"))
            }
        }

        @Test("two signals at the same moment are one request: the stop stays graceful")
        func echo() async throws {
            try await withFixture { fixture in
                let aloft = try await ready(fixture)
                aloft.child.signal(SIGINT)
                aloft.child.signal(SIGTERM)
                #expect(try await aloft.child.ended(within: .seconds(20)) == .exited(0), "\(aloft.output)")
                #expect(Processes.withDirectory(aloft.directory).isEmpty)
            }
        }

        @Test("signals by which other servers open their logs anew end nothing; SIGQUIT is a graceful stop")
        func others() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "web")
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                for signal in [SIGUSR1, SIGUSR2, SIGALRM] {
                    aloft.child.signal(signal)
                    #expect(try await fetch("/", at: file.target).status == 200)
                }
                aloft.child.signal(SIGQUIT)
                #expect(try await aloft.child.ended(within: .seconds(20)) == .exited(0), "\(aloft.output)")
                #expect(Processes.withDirectory(aloft.directory).isEmpty)
            }
        }

        /// A daemon with a replica that ignores SIGTERM, so that a graceful stop takes its grace of two seconds.
        private func ready(_ fixture: Fixture) async throws -> Aloft {
            let aloft = try AppFile(app: "stubborn").start(fixture)
            _ = try await aloft.ready(1)
            return aloft
        }
    }
}
