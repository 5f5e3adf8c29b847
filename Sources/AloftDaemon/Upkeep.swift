import AloftCompute
import AloftLogs
import AloftSystem
import ServiceLifecycle

/// What has to happen now and then though nobody asks.
struct Upkeep: Service {
    static let period = Duration.seconds(10)
    /// Replicas are measured each so many periods.
    static let measurePeriods = 6
    /// Logs are looked at each so many periods.
    static let logPeriods = 6
    /// Releases are looked at each so many periods, and once at the start.
    static let releasePeriods = 60

    let logs: LogStore
    let compute: Compute
    let pruning: Pruning

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var round = 0
            var memory = MemoryReturn()
            while await pause() {
                // Measures cpu, so that the first `aloft status` has a share of the last minute to show.
                if round % Self.measurePeriods == 0 { _ = await compute.status() }
                if round % Self.releasePeriods == 0 {
                    await pruning.prune()
                    giveBack(&memory)
                } else if memory.isDue(resident: resident()) {
                    giveBack(&memory)
                }
                round += 1
                if round % Self.logPeriods == 0 { logs.maintain() }
            }
        }
    }

    private func giveBack(_ memory: inout MemoryReturn) {
        OwnProcess.trimMemory()
        memory.returned(resident: resident())
    }

    /// 0 where /proc can't be read: then memory is given back with the releases' turn only.
    private func resident() -> Int {
        do throws(SystemError) { return try OwnProcess.residentBytes() } catch { return 0 }
    }

    /// False once the daemon stops.
    private func pause() async -> Bool {
        do {
            try await Task.sleep(for: Self.period)
            return true
        } catch {
            return false
        }
    }
}
