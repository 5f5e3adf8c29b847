import AloftModel
import AloftSystem

/// Which image each service's `image` or `build` turned out to be, and the pulls and builds under way.
///
/// Replicas that start together share one pull. A start waits for it only for a while, so that stopping never has to
/// wait for a registry; the pull goes on, and the next start finds it done.
actor ImageTable {
    /// How long a start waits; afterwards it fails with a line that says what is under way, and is tried again.
    static let patience = Duration.seconds(15)

    private struct Key: Hashable {
        var service: String
        var spec: ContainerSpec
    }

    private typealias Work = Task<Result<String, LaunchFailure>, Never>

    private let images: Images
    private var known: [Key: String] = [:]
    private var running: [Key: Work] = [:]

    init(_ images: Images) { self.images = images }

    /// Looks anew: a tag may have moved, a folder changed.
    func resolve(_ spec: ContainerSpec, service: String) async throws(LaunchFailure) -> String {
        let key = Key(service: service, spec: spec)
        return try await finish(work(key), key).get()
    }

    /// What it was when last looked, so that all replicas of one release run the same.
    func image(_ spec: ContainerSpec, service: String, clock: any TimeSource) async throws(LaunchFailure) -> String {
        let key = Key(service: service, spec: spec)
        if let image = known[key] { return image }
        let work = work(key)
        let result = await within(Self.patience, clock: clock) { await Self.value(of: work) } ?? nil
        guard let result else { throw LaunchFailure("its image is not ready yet: \(Self.activity(spec))") }
        return try settle(result, work, key).get()
    }

    /// It is not there any more: looked for again the next time.
    func forget(_ spec: ContainerSpec, service: String) { known[Key(service: service, spec: spec)] = nil }

    func cancel() { for work in running.values { work.cancel() } }

    private func work(_ key: Key) -> Work {
        if let work = running[key] { return work }
        let images = images
        let work = Work {
            do throws(LaunchFailure) {
                return .success(try await images.resolve(key.spec, service: key.service))
            } catch {
                return .failure(error)
            }
        }
        running[key] = work
        return work
    }

    private func finish(_ work: Work, _ key: Key) async -> Result<String, LaunchFailure> {
        settle(await work.value, work, key)
    }

    private func settle(
        _ result: Result<String, LaunchFailure>, _ work: Work, _ key: Key
    ) -> Result<String, LaunchFailure> {
        if running[key] == work { running[key] = nil }
        if case .success(let image) = result {
            // The file names a few dozen at most; releases come one at a time.
            if known.count >= 1000 { known = [:] }
            known[key] = image
        }
        return result
    }

    /// Its value, or nil once this task is cancelled; the work itself goes on.
    private static func value(of work: Work) async -> Result<String, LaunchFailure>? {
        let (stream, continuation) = AsyncStream.makeStream(of: Result<String, LaunchFailure>.self)
        let relay = Task {
            continuation.yield(await work.value)
            continuation.finish()
        }
        defer { relay.cancel() }
        for await result in stream { return result }
        return nil
    }

    private static func activity(_ spec: ContainerSpec) -> String {
        switch spec.source {
        case .image(let reference): "`\(reference)` is still being pulled"
        case .build(let directory): "\(directory) is still being built"
        }
    }
}
