import Testing

@testable import AloftMetrics

@Suite("Process metrics")
struct ProcessMetricsTests {
    @Test("the fields of /proc are found, also past a program name with spaces and parentheses")
    func parses() {
        let sample = ProcessSample(
            stat: "4242 (a) (b c) S 1 2 3 4 5 6 7 8 9 10 250 150 0 0 20 0 9 0 5000 1048576 25 18446744073709551615",
            limits: """
                Limit                     Soft Limit           Hard Limit           Units
                Max processes             100                  200                  processes
                Max open files            1024                 524288               files
                """,
            system: "cpu  1 2 3\nbtime 1700000000\nprocesses 3\n", openFileDescriptors: 12)
        let values = Dictionary(uniqueKeysWithValues: sample.families.map { ($0.name, $0.samples[0].value) })
        #expect(
            values == [
                "process_cpu_seconds": 4.0, "process_resident_memory_bytes": .real(25 * 4096),
                "process_virtual_memory_bytes": 1_048_576.0, "process_threads": 9.0,
                "process_start_time_seconds": 1_700_000_050.0, "process_open_fds": 12.0, "process_max_fds": 1024.0,
            ])
    }

    @Test("what cannot be read or understood is left out")
    func leavesOut() {
        #expect(ProcessSample().families.isEmpty)
        let odd = ProcessSample(stat: "no parenthesis", limits: "Max open files", system: "btime x")
        #expect(odd.families.isEmpty)
        let unlimited = ProcessSample(limits: "Max open files            unlimited            unlimited   files")
        #expect(unlimited.families.first?.samples.first?.value == .real(.infinity))
    }

    @Test("a running process has used memory and processor time and has files open", .enabled(if: isLinux))
    func reads() {
        let names = ProcessMetrics.families().map(\.name)
        #expect(
            names == [
                "process_cpu_seconds", "process_resident_memory_bytes", "process_virtual_memory_bytes",
                "process_threads", "process_start_time_seconds", "process_open_fds", "process_max_fds",
            ])
    }
}

#if os(Linux)
    private let isLinux = true
#else
    private let isLinux = false
#endif
