import AloftTestKit
import Glibc
import Testing

@testable import AloftSystem

@Suite("Cgroups")
struct CgroupTests {
    @Test("finds its own folder in each hierarchy of a hybrid machine")
    func hybrid() {
        let mountinfo = """
            30 25 0:26 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
            31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
            32 25 0:28 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
            33 25 0:29 / /mnt/with\\040space rw - cgroup cgroup rw,pids
            """
        let membership = "8:pids:/\n4:memory:/job/1\n2:cpu,cpuacct:/\n1:name=systemd:/x\n0::/\n"
        let mounts = CgroupMounts(mountinfo: mountinfo, membership: membership)
        #expect(mounts.unified == "/sys/fs/cgroup/unified")
        #expect(
            mounts.controllers == [
                "memory": "/sys/fs/cgroup/memory/job/1", "cpu": "/sys/fs/cgroup/cpu,cpuacct",
                "cpuacct": "/sys/fs/cgroup/cpu,cpuacct", "pids": "/mnt/with space",
            ])
    }

    @Test("in a container only a part of the hierarchy is mounted")
    func container() {
        let mounts = CgroupMounts(
            mountinfo: "30 25 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw",
            membership: "0::/docker/abc/sub\n")
        #expect(mounts.unified == "/sys/fs/cgroup/sub")
        #expect(CgroupMounts(mountinfo: "", membership: "nonsense\n").unified == nil)
    }

    @Test("limits become the control files of each version")
    func settings() {
        let limits = CgroupLimits(cpuRequest: 250, cpuLimit: 2000, memoryRequest: 1 << 20, memoryLimit: 1 << 30)
        let second = limits.settings(.v2).map { "\($0.file)=\($0.value)" }
        #expect(
            second == [
                "memory.low=1048576", "memory.max=1073741824", "memory.swap.max=0", "cpu.weight=10",
                "cpu.max=200000 100000",
            ])
        let first = limits.settings(.v1).map { "\($0.file)=\($0.value)" }
        #expect(
            first == [
                "memory.soft_limit_in_bytes=1048576", "memory.limit_in_bytes=1073741824",
                "memory.memsw.limit_in_bytes=1073741824", "cpu.shares=256", "cpu.cfs_period_us=100000",
                "cpu.cfs_quota_us=200000",
            ])
        #expect(CgroupLimits().settings(.v2).isEmpty)
        #expect(CgroupLimits(cpuLimit: 1).settings(.v1).last?.value == "1000")
        #expect(CgroupLimits(cpuRequest: 1_000_000).settings(.v2).first?.value == "10000")
    }

    /// A folder that looks like the unified hierarchy, for what no test machine may offer.
    private func unified(_ folder: String, controllers: String) throws -> CgroupMounts {
        for name in ["cgroup.controllers", "cgroup.subtree_control", "cgroup.procs"] {
            try AtomicFile.write((name == "cgroup.controllers" ? controllers : "").utf8, to: "\(folder)/\(name)")
        }
        try Directories.make(folder + "/aloft-x")
        try AtomicFile.write([UInt8](), to: folder + "/aloft-x/cgroup.subtree_control")
        return CgroupMounts(
            mountinfo: "30 25 0:26 / \(folder) rw - cgroup2 cgroup rw", membership: "0::/\n")
    }

    @Test("the unified hierarchy is used where memory and cpu can be passed on, and not otherwise")
    func discoversUnified() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            let mounts = try unified(folder, controllers: "cpuset cpu io memory pids\n")
            let tree = CgroupTree.discover(name: "aloft-x", mounts: mounts)
            #expect(tree == CgroupTree(version: .v2, folders: [folder + "/aloft-x"]))
            #expect(try readText(folder + "/cgroup.subtree_control") == "+memory +cpu")
            #expect(try readText(folder + "/aloft-x/cgroup.subtree_control") == "+memory +cpu")
            var reasons: [String] = []
            let none = CgroupTree.discover(name: "aloft-x", mounts: try unified(folder, controllers: "hugetlb\n")) {
                reasons.append($0)
            }
            #expect(none == nil && reasons.first?.hasPrefix("cgroup v2: cannot find the controller memory") == true)
        }
    }

    @Test("where its own cgroup can't have children, as in a login session, the root of the hierarchy is used")
    func discoversRoot() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            _ = try unified(folder, controllers: "cpu memory\n")
            try Directories.make(folder + "/session")
            try AtomicFile.write("memory pids\n".utf8, to: folder + "/session/cgroup.controllers")
            let mounts = CgroupMounts(
                mountinfo: "30 25 0:26 / \(folder) rw - cgroup2 cgroup rw", membership: "0::/session\n")
            #expect(mounts.unified == folder + "/session" && mounts.unifiedRoot == folder)
            let tree = CgroupTree.discover(name: "aloft-x", mounts: mounts)
            #expect(tree == CgroupTree(version: .v2, folders: [folder + "/aloft-x"]))
        }
    }

    @Test("usage and kills are read from the unified hierarchy's files")
    func readsUnified() async throws {
        try await withFixture { fixture in
            let folder = try fixture.directory()
            for (name, text) in [
                ("cgroup.procs", "12\n13\n"), ("cpu.stat", "usage_usec 1500\nuser_usec 1000\n"),
                ("memory.current", "5000000\n"), ("memory.stat", "anon 1\ninactive_file 1000000\n"),
                ("memory.events", "low 0\nmax 9\noom 2\noom_kill 2\n"),
            ] { try AtomicFile.write(text.utf8, to: "\(folder)/\(name)") }
            let group = Cgroup(version: .v2, folders: [folder])
            let usage = try group.usage()
            #expect(usage == ProcessUsage(cpuNanoseconds: 1_500_000, memoryBytes: 4_000_000, processes: 2))
            #expect(group.memoryKills() == 2)
            #expect(try Cgroup(version: .v2, folders: [folder + "/gone"]).pids().isEmpty)
        }
    }

    static func realTree() -> CgroupTree? {
        guard let mounts = try? CgroupMounts() else { return nil }
        return CgroupTree.discover(name: "aloft-system-test-\(getpid())", mounts: mounts)
    }

    @Test(
        "a real one holds a process from its first instruction, kills all in it, and goes away",
        .enabled(if: realTree() != nil, "no cgroup with a memory controller can be written here"))
    func real() async throws {
        let tree = try #require(Self.realTree())
        let group = try tree.make("one.1", limits: CgroupLimits(cpuLimit: 500, memoryLimit: 64 << 20))
        #expect(try tree.names().contains("one.1"))
        let script = "setsid sh -c 'setsid sleep 1014 & sleep 1015' & exec sleep 1016"
        var launch = ProcessLaunch(
            executable: "/bin/sh", arguments: ["sh", "-c", script], environment: ["PATH=/usr/bin:/bin"], directory: "/",
            standardOutput: 2, standardError: 2)
        launch.cgroupProcsFiles = group.procsFiles
        let watch = try await launch.runWatched()
        try await eventually("all are in it") { try group.pids().count == 4 }
        #expect(try group.pids().contains(watch.identity.pid))
        #expect(throws: SystemError.self) { try group.remove() }
        let left = try await ProcessRemains(leader: nil, cgroup: group, outputFiles: []).killAll(clock: SystemTime())
        #expect(left.isEmpty && group.memoryKills() == 0)
        #expect(await watch.wait() == .signaled(SIGKILL))
        try await eventually("it can be removed") {
            do {
                try group.remove()
                return true
            } catch let error as SystemError where error.code == EBUSY {
                return false
            }
        }
        tree.removeIfEmpty()
        #expect(tree.folders.allSatisfy { !Directories.isDirectory($0) })
    }
}
