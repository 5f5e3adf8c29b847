import AloftCompute
import AloftModel
import ServiceLifecycle

/// Says once that every service of the file is ready, where none of them was when the daemon started.
struct StartWatch: Service {
    /// A service whose image is still on its way is looked at again after so long, then after twice that.
    private static let pace = Duration.seconds(1)
    private static let longestPace = Duration.seconds(60)
    /// Looks at what is settled and not ready: a service that ended for good never will be.
    private static let looks = 100
    private static let longest = Duration.seconds(86_400)

    let compute: Compute
    let present: Present
    let events: EventQueue
    let startedAt: Timestamp

    func run() async throws {
        await cancelWhenGracefulShutdown { await watch() }
        try await gracefulShutdown()
    }

    private func watch() async {
        guard !Self.unready(of: present.facts.running.plan, await compute.status()).isEmpty else { return }
        var pace = Self.pace
        for _ in 0..<Self.looks where await compute.settled(within: Self.longest) && !Task.isCancelled {
            if Self.unready(of: present.facts.running.plan, await compute.status()).isEmpty {
                let time = Timestamp.now - startedAt
                return events.publish(
                    .notice, "daemon.ready", "daemon",
                    "every service is ready, \(Duration.milliseconds(time.milliseconds).quantity) after the start")
            }
            do {
                try await Task.sleep(for: pace)
                pace = min(pace * 2, Self.longestPace)
            } catch {
                return
            }
        }
    }

    /// `web 0/3` of each service that has fewer replicas in rotation than it is to have.
    static func unready(of plan: Plan, _ services: [ServiceStatus]) -> [String] {
        plan.services.compactMap { spec in
            guard let status = services.first(where: { $0.name == spec.name }) else {
                return spec.scaling.minReplicas == 0 ? nil : "\(spec.name) 0/\(spec.scaling.minReplicas)"
            }
            return status.ready < status.desired ? "\(spec.name) \(status.ready)/\(status.desired)" : nil
        }
    }
}
