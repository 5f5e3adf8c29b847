import AloftTestKit
import Foundation
import Testing

extension Scenarios {
    @Suite("A replica misbehaves")
    struct Misbehaving {
        @Test("one that never becomes ready is named with the probe's answer and its last lines")
        func neverReady() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "never_ready", probes: AppFile.answering)
                let aloft = try file.start(fixture)
                let status = try await aloft.status("the probe's answer") {
                    $0[replica: "web-1"]?.probe?.contains("503") == true
                }
                let replica = try #require(status[replica: "web-1"])
                #expect(!replica.inRotation)
                #expect(replica.probe?.contains("warming up: 3 of 10 shards") == true)
                #expect(replica.lastLines.contains("waiting for shards"))
                let shown = try await aloft.command("status")
                #expect(shown.output.contains("warming up"), "people see it too:\n\(shown.output)")
                try await endsWithNothingLeft(aloft)
            }
        }

        @Test("one that never gets past its startup probe is restarted and named")
        func neverStarts() async throws {
            try await withFixture { fixture in
                let probes = "{startup: {httpGet: /, period: 100ms, timeout: 1s, failureThreshold: 3}}"
                let aloft = try AppFile(app: "never_ready", probes: probes).start(fixture)
                let status = try await aloft.status("a restart") { ($0[replica: "web-1"]?.restarts ?? 0) >= 1 }
                let replica = try #require(status[replica: "web-1"])
                #expect(!replica.inRotation)
                let events = try await aloft.command("events")
                #expect(events.output.contains("startup"), "\(events.output)")
                try await endsWithNothingLeft(aloft)
            }
        }

        @Test("one that exits at once waits longer and longer, and its exit code and last lines are named")
        func exitsAtOnce() async throws {
            try await withFixture { fixture in
                let aloft = try AppFile(app: "exits").start(fixture)
                let status = try await aloft.status("back-off") {
                    $0[replica: "web-1"].map { $0.restarts >= 3 && $0.state == "backingOff" } ?? false
                }
                let replica = try #require(status[replica: "web-1"])
                #expect(replica.reason?.contains("exit code 3") == true, "\(replica)")
                #expect(replica.lastLines.contains { $0.contains("cannot open the database") }, "\(replica)")
                let starts = try String(contentsOfFile: aloft.directory + "/starts", encoding: .utf8)
                    .split(separator: "\n").compactMap { Double($0) }
                let waits = zip(starts.dropFirst(), starts).map { $0 - $1 }
                try #require(waits.count >= 3)
                // From start to start, so each holds at least its back-off; a busy machine only adds to it.
                for (wait, least) in zip(waits, [0.1, 0.2, 0.4]) { #expect(wait >= least, "waits of \(waits)") }
                try await endsWithNothingLeft(aloft)
            }
        }

        @Test("a program that is not there is named")
        func noProgram() async throws {
            try await withFixture { fixture in
                let aloft = try AppFile("  web: {command: [./no-such-program]}").start(fixture)
                let status = try await aloft.status("the reason") {
                    $0[replica: "web-1"]?.reason?.contains("no-such-program") == true
                }
                #expect(status[replica: "web-1"]?.reason?.contains("no such program") == true, "\(status)")
                try await endsWithNothingLeft(aloft)
            }
        }

        @Test("one that ignores SIGTERM is killed after its grace")
        func ignoresTermination() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "stubborn")
                let aloft = try file.start(fixture)
                let pid = try #require(try await aloft.ready(1).replicas.first?.pid)
                try await endsWithNothingLeft(aloft)
                #expect(!Processes.isRunning(pid))
                #expect(aloft.output.contains("SIGKILL") || aloft.output.contains("killed"), "\(aloft.output)")
            }
        }

        @Test("children that it forked go with it, those that left its process group too")
        func forks() async throws {
            try await withFixture { fixture in
                let aloft = try AppFile(app: "forks").start(fixture)
                let pid = try #require(try await aloft.ready(1).replicas.first?.pid)
                try await eventually("it has its children") {
                    Processes.withDirectory(aloft.directory).filter { $0 != aloft.pid }.count >= 5
                }
                kill(pid, SIGKILL)
                _ = try await aloft.status("a new one") {
                    ($0.replicas.first?.generation ?? 0) > 1 && $0.replicas[0].inRotation
                }
                try await eventually("the first one's children are gone") {
                    Processes.withDirectory(aloft.directory).filter { $0 != aloft.pid }.count <= 5
                }
                try await endsWithNothingLeft(aloft)
            }
        }

        @Test("one that floods its output fills neither memory nor disk, and goes on answering")
        func floods() async throws {
            try await withFixture { fixture in
                var file = try AppFile(app: "floods")
                file.more = "logs: {access: off, maxSize: 20MiB}"
                let aloft = try file.start(fixture)
                _ = try await aloft.ready(1)
                var largest = 0
                try await eventually("the flood is over", within: .seconds(90), every: .milliseconds(200)) {
                    largest = max(largest, try diskUse(of: aloft.state))
                    return FileManager.default.fileExists(atPath: aloft.directory + "/flooded")
                }
                #expect(largest < 400 << 20, "the state directory held \(largest >> 20) MiB")
                #expect(try await fetch("/", at: file.target).status == 200)
                let peak = try Processes.peakResidentBytes(aloft.pid)
                #expect(peak < 250 << 20, "\(peak >> 20) MiB resident")
                try await eventually("old records are removed", within: .seconds(80), every: .milliseconds(200)) {
                    try diskUse(of: aloft.state) < 64 << 20
                }
            }
        }

        @Test("one that eats memory ends at its limit, and that is what status says")
        func eatsMemory() async throws {
            try await withFixture { fixture in
                let file = try AppFile(app: "eats", extra: "resources: {limits: {memory: 64MiB}}")
                let aloft = try file.start(fixture)
                let status = try await aloft.status("it ended") { ($0.replicas.first?.restarts ?? 0) >= 1 }
                let limits = try #require(status.replicas.first?.limits, "status says who holds it to its limits")
                let events = try await aloft.command("events").output
                let said =
                    events + (status.replicas.first?.reason ?? "") + (status.replicas.first?.lastLines ?? []).joined()
                if limits.contains("cgroup") {
                    #expect(said.contains("out of memory") && said.contains("64MiB"), "\(limits): \(said)")
                } else {
                    #expect(limits.contains("rlimit"))
                    #expect(said.contains("MemoryError") || said.contains("memory"), "\(limits): \(said)")
                }
                #expect(!aloft.output.contains("nobody stopped me"))
            }
        }

        /// SIGTERM, exit 0, and no process of the scenario's folder is left.
        private func endsWithNothingLeft(_ aloft: Aloft) async throws {
            aloft.child.signal(SIGTERM)
            #expect(try await aloft.child.ended(within: .seconds(15)) == .exited(0), "\(aloft.output)")
            let left = Processes.withDirectory(aloft.directory)
            #expect(left.isEmpty, "processes \(left) are left behind")
        }

        /// Bytes that a folder's files take on the disk, holes not counted.
        private func diskUse(of folder: String) throws -> Int {
            guard let walker = FileManager.default.enumerator(atPath: folder) else { return 0 }
            var total = 0
            for case let name as String in walker {
                var information = stat()
                if lstat("\(folder)/\(name)", &information) == 0 { total += Int(information.st_blocks) * 512 }
            }
            return total
        }
    }
}
