import AloftModel
import AloftSystem
import Foundation
import Testing

@testable import AloftCompute

@Suite("Output of commands")
struct OutputTests {
    @Test("keeps all of a little, the two ends of much, and says how much is missing")
    func kept() {
        var output = KeptOutput(limit: 4)
        output.append(Array("abc".utf8))
        #expect(output.text == "abc" && output.omitted == 0)
        output.append(Array("defgh".utf8))
        #expect(output.text == "abcdefgh" && output.omitted == 0)
        output.append(Array("ij".utf8))
        #expect(output.text == "abcd\n… 2 bytes are left out …\nghij" && output.omitted == 2)
        output.append(Array("0123456789".utf8))
        #expect(output.text == "abcd\n… 12 bytes are left out …\n6789")
    }

    @Test("however it is cut into pieces, the same is kept", arguments: [1, 2, 3, 7, 64, 1000])
    func pieces(size: Int) {
        let bytes = (0..<1000).map { UInt8(97 + $0 % 26) }
        var whole = KeptOutput(limit: 100)
        whole.append(bytes)
        var cut = KeptOutput(limit: 100)
        for start in stride(from: 0, to: bytes.count, by: size) {
            cut.append(Array(bytes[start..<min(start + size, bytes.count)]))
        }
        #expect(cut.text == whole.text && cut.omitted == whole.omitted && cut.omitted == 800)
    }

    @Test("lines over pieces, with either end, and a last one without")
    func lines() {
        var lines = LineSplitter()
        #expect(lines.append(Array("one\r\ntw".utf8)) == ["one"])
        #expect(lines.append(Array("o\n\nthree".utf8)) == ["two", ""])
        #expect(lines.finish() == "three" && lines.finish() == nil)
    }

    @Test("a line without end is cut")
    func longLine() {
        var lines = LineSplitter()
        let cut = lines.append([UInt8](repeating: 120, count: 10_000))
        #expect(cut.map(\.count) == [4096, 4096] && lines.finish()?.count == 10_000 - 8192)
    }
}

@Suite("Records of running replicas")
struct AdoptionRecordTests {
    private let record = AdoptionRecord(
        id: ReplicaID(service: "web", index: 2, generation: 5), release: 7, restartAsked: true,
        process: ProcessIdentity(pid: 12, startTicks: 34, boot: "b"), address: .port(20_001), specDigest: "d",
        directory: "/x", stdoutPath: "/x/stdout", stderrPath: "/x/stderr", started: Timestamp(nanoseconds: 1),
        enforcement: .cgroup1, cgroups: ["/c"], memoryLimit: ByteSize(bytes: 5))

    @Test("written and read again it is the same")
    func roundTrip() throws {
        let json = try JSONEncoder().encode(record)
        #expect(try JSONDecoder().decode(AdoptionRecord.self, from: json) == record)
    }

    @Test("one of a version that told no releases apart is read as release 0")
    func old() throws {
        let json = try JSONEncoder().encode(record)
        var fields = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        #expect(fields.removeValue(forKey: "release") != nil && fields.removeValue(forKey: "restartAsked") != nil)
        let old = try JSONDecoder().decode(
            AdoptionRecord.self, from: try JSONSerialization.data(withJSONObject: fields))
        var expected = record
        expected.release = 0
        expected.restartAsked = false
        #expect(old == expected)
    }
}

@Suite("Report of a set that does not get ready")
struct SetReportTests {
    private func replica(_ index: Int, _ state: ReplicaState, _ change: (inout ReplicaStatus) -> Void = { _ in })
        -> ReplicaStatus
    {
        var status = ReplicaStatus(
            id: ReplicaID(service: "web", index: index, generation: 1), release: 2, state: state,
            since: Timestamp(nanoseconds: 0), adopted: false, current: true, restarts: 0, probes: [],
            enforcement: .none, lastLines: [])
        change(&status)
        return status
    }

    private func set(_ replicas: [ReplicaStatus], waiting: [ReplicaStatus] = []) -> ReplicaSetStatus {
        ReplicaSetStatus(
            release: 2, isPrimary: false, desired: 2, ready: 0, isLeaving: false, isInRotation: true,
            replicas: replicas, waiting: waiting)
    }

    @Test("nothing to say of replicas that are well")
    func well() {
        let set = set([replica(1, .ready), replica(2, .draining)])
        #expect(set.failure == nil && set.report().isEmpty)
    }

    @Test("what has ended comes first, with probes and last lines")
    func report() {
        let probing = replica(1, .probing) { status in
            status.reason = "HTTP 503: \"warming up\""
            status.probes = [
                ProbeStatus(kind: .readiness, passed: false, text: "HTTP 503: \"warming up\"", time: nil, streak: 4)
            ]
        }
        let ended = replica(2, .backingOff) { status in
            status.restarts = 2
            status.lastExit = LastExit(
                cause: .code(1), time: Timestamp(nanoseconds: 0), asked: false, lastLines: ["no database"])
        }
        let set = set([probing], waiting: [ended])
        #expect(set.failure == "web-2 ended: exit code 1")
        #expect(
            set.report() == [
                "web-2 ended: exit code 1", "  restarts: 2", "  | no database",
                "web-1 is not ready: HTTP 503: \"warming up\"",
                "  readiness probe: HTTP 503: \"warming up\" (4 times in a row)",
            ])
        #expect(set.report(replicas: 1).last == "and 1 more that is not ready")
    }
}
