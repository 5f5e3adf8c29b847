import AloftModel
import AloftRollout
import ServiceLifecycle
import Synchronization

/// Makes releases of what the file says of services in containers, once their image is pulled or built.
///
/// That can take minutes, or fail for a while; what runs goes on, other services do not wait, and `status` says what
/// is waited for. A deploy that a person asks for does not come here: it is told at once what is wrong.
final class ContainerReleases: Service {
    struct Change: Sendable {
        let service: String
        let reason: ReleaseReason
    }

    /// First and longest wait before an image that could not be had is asked for again; doubled in between.
    static let retry = (first: Duration.seconds(5), longest: Duration.seconds(300))

    private let operations: Operator
    private let changes: AsyncStream<Change>
    /// Services that are looked after, and whether the file changed again meanwhile.
    private let underWay = Mutex<[String: Bool]>([:])

    init(operations: Operator, changes: AsyncStream<Change>) {
        self.operations = operations
        self.changes = changes
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for await change in self.changes where self.begins(change.service) {
                    group.addTask { await self.follow(change) }
                }
            }
        }
        // Ended without being asked, it would end the daemon.
        try await gracefulShutdown()
    }

    private func begins(_ service: String) -> Bool {
        underWay.withLock { services in
            let isFirst = services[service] == nil
            services[service] = !isFirst
            return isFirst
        }
    }

    /// True where there is nothing new; false where the file changed while it was looked after.
    private func ends(_ service: String) -> Bool {
        underWay.withLock { services in
            let isOver = services[service] != true
            services[service] = isOver ? nil : false
            return isOver
        }
    }

    private func follow(_ change: Change) async {
        repeat {
            var wait = Self.retry.first
            var told = ""
            while let problem = await settle(change) {
                if problem != told {
                    operations.events.publish(
                        .error, "release.refused", change.service, "the file's change could not be deployed: \(problem)"
                    )
                    told = problem
                }
                say("could not be deployed: \(problem); tried again in \(wait.quantity)", of: change.service)
                do { try await Task.sleep(for: wait) } catch { return }
                wait = min(wait * 2, Self.retry.longest)
            }
            say(nil, of: change.service)
        } while !ends(change.service)
    }

    /// Has the image, and makes the release; nil once that is done or not wanted any more, else what went wrong.
    private func settle(_ change: Change) async -> String? {
        let deployer = operations.deployer
        do {
            guard let spec = spec(of: change.service), try await !deployer.isTakenOver(spec) else { return nil }
            say(spec.container?.source.doing, of: change.service)
            try await deployer.prepareImage(spec)
            try await operations.turnstile.alone { [operations] in
                let running = operations.present.facts.running
                guard let spec = running.plan.services.first(where: { $0.name == change.service }) else { return }
                try await deployer.takeOver(spec, running, change.reason)
            }
            return nil
        } catch let failure as ControlFailure {
            return failure.message
        } catch {
            return "\(error)"
        }
    }

    private func spec(of service: String) -> ServiceSpec? {
        operations.present.facts.running.plan.services.first { $0.name == service && $0.container != nil }
    }

    private func say(_ text: String?, of service: String) {
        operations.present.change { $0.waiting[service] = text }
    }
}

extension ContainerSpec.Source {
    fileprivate var doing: String {
        switch self {
        case .image(let reference): "waits for its image \(reference)"
        case .build(let folder): "waits for its image to be built from \(folder)"
        }
    }
}
