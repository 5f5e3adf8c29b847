import AloftModel
import AloftSystem
import AloftTestKit
import Testing

@testable import AloftCompute

@Suite("Limits of real processes", .serialized)
struct LimitTests {
    static let hog = Programs.python(
        "import os,time; time.sleep(0.2)\nb=[]\nwhile True: b.append(bytearray(os.urandom(1<<20)))")

    static func cgroupsAreWritable() -> Bool {
        guard let mounts = try? CgroupMounts() else { return false }
        let tree = CgroupTree.discover(name: "aloft-test-probe", mounts: mounts)
        tree?.removeIfEmpty()
        return tree != nil
    }

    @Test(
        "a process over its memory limit is killed, and the kill is named",
        .enabled(if: cgroupsAreWritable(), "no cgroup with a memory controller can be written here"))
    func outOfMemory() async throws {
        let resources = Resources(limits: .init(memory: .mebibytes(48)))
        try await withRig([service("web", Self.hog, resources: resources)]) { rig, _ in
            let status = try await rig.replica("web-1", "was killed") { $0.lastExit != nil }
            #expect(status.lastExit?.cause == .outOfMemory(limit: .mebibytes(48)))
            #expect(status.lastExit?.cause.description == "out of memory: killed at limit 48MiB")
            #expect([.cgroup1, .cgroup2].contains(status.enforcement))
        }
    }

    @Test("without cgroups an allocation past the limit fails in the process, and status says rlimit")
    func rlimit() async throws {
        let resources = Resources(limits: .init(memory: .mebibytes(96)))
        try await withRig([service("web", Self.hog, resources: resources)], cgroups: false) { rig, _ in
            let status = try await rig.replica("web-1", "ended") { $0.lastExit != nil }
            #expect(status.lastExit?.cause == .code(1))
            #expect(status.enforcement == .rlimit)
        }
    }

    @Test("usage is measured over the whole group, with and without cgroups", arguments: [true, false])
    func usage(cgroups: Bool) async throws {
        let command = Programs.shell("busybox httpd -f -p 127.0.0.1:$PORT & while :; do :; done")
        try await withRig([service("web", command)], cgroups: cgroups) { rig, _ in
            let first = try await rig.replica("web-1", "is measured") {
                ($0.usage?.cpuNanoseconds ?? 0) > 50_000_000 && $0.usage?.processes == 2
            }
            #expect((first.usage?.memoryBytes ?? 0) > 100_000)
            let second = try await rig.replica("web-1", "is measured again") { ($0.usage?.cores ?? 0) > 0.2 }
            #expect((second.usage?.cores ?? 0) < 1.5)
            #expect(
                second.enforcement == (cgroups && Self.cgroupsAreWritable() ? .cgroup1 : .none)
                    || second.enforcement == .cgroup2)
        }
    }
}
