import AloftModel
import AloftSystem
import AloftTestKit
import Logging
import Synchronization

@testable import AloftNotifications

/// A notifier of the tests with a clock by hand, a store, and senders by the name of their channel.
final class Desk: Sendable {
    let clock = ManualClock()
    let store: TestStore
    let notifier: Notifier
    let log = LogLines()
    private let runner = Mutex<Task<Void, Never>?>(nil)

    /// - Parameter senders: Missing ones are misconfigured.
    convenience init(store: TestStore = TestStore(), senders: [String: TestSender]) {
        self.init(store: store) { channel, _, _ in
            senders[channel.name].map { .ready(host: "\(channel.name).example", sender: $0) }
                ?? .misconfigured(host: nil, problem: "${env.URL} has no value")
        }
    }

    /// With senders that really send.
    convenience init(store: TestStore = TestStore(), configuration: NotifierConfiguration) {
        self.init(store: store) { channel, lookup, clock in
            SenderFactory(configuration: configuration, clock: clock).target(of: channel, lookup: lookup)
        }
    }

    private init(
        store: TestStore,
        connect: @escaping @Sendable (NotificationSpec.Channel, TemplateLookup, ManualClock) -> Notifier.Target
    ) {
        self.store = store
        let (log, clock) = (log, clock)
        var logger = Logger(label: "test") { _ in log.handler }
        logger.logLevel = .trace
        notifier = Notifier(
            store: store, clock: clock, logger: logger, random: { 0.5 },
            connect: { connect($0, $1, clock) })
    }

    func start(_ spec: NotificationSpec) async throws {
        try await notifier.start()
        try await apply(spec)
        let notifier = notifier
        runner.withLock { $0 = Task { await notifier.run() } }
    }

    func apply(_ spec: NotificationSpec) async throws {
        try await notifier.apply(spec) { template throws(MissingReference) in template.description }
    }

    func stop() async {
        let task = runner.withLock { $0.take() }
        task?.cancel()
        await task?.value
    }

    /// Lets the clock run until it holds; at each look to where somebody waits, ten seconds at most.
    func until(_ what: String, _ condition: () async throws -> Bool) async throws {
        try await eventually(what, within: .seconds(60), every: .milliseconds(1)) {
            if try await condition() { return true }
            if let next = clock.pending.first(where: { $0 > .zero }) { clock.advance(by: min(next, .seconds(10))) }
            return false
        }
    }

    /// Lets the clock run until nothing waits.
    func untilIdle() async throws {
        try await until("nothing waits") { await notifier.status().allSatisfy { $0.waiting == 0 } }
    }

    func notice(_ key: String, _ route: NoticeRoute = .critical, over: Bool = false) -> Notice {
        .sample(key, route: route, over: over, at: Timestamp(nanoseconds: clock.wallNanoseconds))
    }
}

extension NotificationSpec {
    /// Channels by name: all routes go to the first, and the second is the fallback where there is one.
    static func to(_ names: String...) -> NotificationSpec {
        NotificationSpec(
            channels: names.map { Channel(name: $0, kind: .slack(url: Template("x"))) },
            critical: Routing(to: [names[0]]), warning: Routing(to: [names[0]]), deploys: Routing(to: [names[0]]),
            fallback: names.count > 1 ? names[1] : nil)
    }
}

/// All that was logged, as text.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    var handler: any LogHandler { Handler(lines: self) }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.lines.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
        }
    }
}
