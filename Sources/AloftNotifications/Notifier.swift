import AloftModel
import AloftSystem
import Logging

/// Tells people: keeps what is posted in an outbox, groups it, and sends it to the channels of the file.
///
/// `init` starts nothing. The order is `start` once, then `apply`, then `run`; `post` and the rest at any time after.
package actor Notifier {
    /// What a channel of the file came to.
    enum Target: Sendable {
        case ready(host: String, sender: any ChannelSender)
        case misconfigured(host: String?, problem: String)
    }

    /// Makes what sends to a channel of the file; tests put their own in its place.
    typealias Connect = @Sendable (NotificationSpec.Channel, TemplateLookup) -> Target

    let clock: any TimeSource
    private let store: any OutboxStore
    private let connect: Connect
    private let random: @Sendable () -> Double
    private let logger: Logger
    private let wake = Wake()

    private(set) var spec = NotificationSpec()
    private(set) var targets: [String: Target] = [:]
    private(set) var lanes: [String: Lane] = [:]
    private var deliveries: [RecentDelivery] = []
    /// A reload is somebody's wish to try again; a start goes on where the last one ended.
    private var hasApplied = false
    private var turn = Turn()

    package init(
        configuration: NotifierConfiguration, store: any OutboxStore, clock: any TimeSource = SystemTime(),
        logger: Logger
    ) {
        let factory = SenderFactory(configuration: configuration, clock: clock)
        self.init(
            store: store, clock: clock, logger: logger, random: { Double.random(in: 0..<1) },
            connect: { factory.target(of: $0, lookup: $1) })
    }

    init(
        store: any OutboxStore, clock: any TimeSource, logger: Logger, random: @escaping @Sendable () -> Double,
        connect: @escaping Connect
    ) {
        self.store = store
        self.clock = clock
        self.logger = logger
        self.random = random
        self.connect = connect
    }

    /// Reads the outbox. Nothing is sent before `apply` has said where to.
    package func start() async throws(NotificationError) {
        let contents: OutboxContents
        do {
            contents = try await store.load()
        } catch {
            throw .notKept("\(error)")
        }
        let moment = moment
        for record in contents.channels { lanes[record.channel] = Lane(channel: record.channel, record: record) }
        for message in contents.messages {
            lanes[message.channel, default: Lane(channel: message.channel)]
                .restore(message, at: moment, longest: Limits.age)
        }
    }

    /// Takes the channels and routes of the file, at the start and at each reload.
    ///
    /// A channel whose words cannot be used is misconfigured, and the others work. What waits for a channel that the file
    /// does not name any more goes to the fallback, or is dropped and logged.
    /// - Throws: `notKept`; then the former channels stay.
    package func apply(
        _ spec: NotificationSpec, lookup: @escaping TemplateLookup
    ) async throws(NotificationError) {
        var targets: [String: Target] = [:]
        for channel in spec.channels { targets[channel.name] = connect(channel, lookup) }
        await enter()
        defer { leave() }
        var next = lanes
        var changes: [OutboxChange] = []
        var notes: [RecentDelivery] = []
        for (name, target) in targets {
            var lane = next[name] ?? Lane(channel: name)
            if hasApplied { lane.unblock() }
            var resumed = Lane.Finished()
            if case .ready(_, let sender) = target {
                resumed = lane.resume(
                    recognisesRepetition: sender.recognisesRepetition, hasFallback: spec.hasFallback(for: name))
            }
            next[name] = lane
            notes += note(resumed, lane: lane, "the daemon ended before it saw the answer")
            changes += resumed.changes + handOver(resumed.handOver, from: name, to: spec.fallback, &next)
        }
        for name in next.keys where targets[name] == nil {
            let lost = next.removeValue(forKey: name)
            let lines = (lost?.entries ?? []).flatMap(\.message.lines).filter { $0.from == nil && !$0.isHandedOver }
            changes += (lost?.entries ?? []).map { .remove(id: $0.message.id) } + [.forget(channel: name)]
            changes += handOver(lines, from: name, to: targets[spec.fallback ?? ""] == nil ? nil : spec.fallback, &next)
            if !lines.isEmpty { notes.append(gone(name, lines, hasFallback: spec.fallback != nil)) }
        }
        try await commit(changes)
        (self.spec, self.targets, lanes, hasApplied) = (spec, targets, next, true)
        for one in notes { remember(one) }
        for (name, target) in targets {
            if case .misconfigured(_, let problem) = target {
                logger.warning("a channel is misconfigured", metadata: ["channel": "\(name)", "problem": "\(problem)"])
            }
        }
        wake.signal()
    }

    /// Puts a notice in the queue of each channel of its route. Durable once it returns; waits for no server.
    ///
    /// - Parameters:
    ///   - second: A route whose channels hear of it too, each once.
    ///   - only: A channel that hears of it in place of all of both routes.
    package func post(
        _ notice: Notice, also second: NoticeRoute? = nil, only: String? = nil
    ) async throws(NotificationError) {
        await enter()
        defer { leave() }
        var windows: [String: Duration] = [:]
        let routes = only == nil ? [second, notice.route] : []
        if let only { windows[only] = Limits.window }
        for routing in routes.compactMap({ $0 }).map(spec.routing(of:)) {
            for name in routing.to { windows[name] = max(Limits.window, routing.after) }
        }
        // The fallback may have been told of a beginning; only then does its lane take the end.
        if notice.isOver, let fallback = spec.fallback { windows[fallback] = windows[fallback] ?? Limits.window }
        var next = lanes
        var changes: [OutboxChange] = []
        let moment = moment
        for (name, window) in windows.sorted(by: { $0.key < $1.key }) where targets[name] != nil {
            changes += next[name, default: Lane(channel: name)].add(
                OutboxLine(notice: notice, since: notice.time), window: window, at: moment, id: Self.newID())
        }
        guard !changes.isEmpty else { return }
        try await commit(changes)
        lanes = next
        wake.signal()
    }

    /// Sends what is due, until the task is cancelled. Call it once.
    ///
    /// What is under way then is cut off: its state stays `sending`, as after a crash.
    package func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                var isBlocked = false
                for name in spec.channels.map(\.name) {
                    do throws(NotificationError) {
                        guard let job = try await next(of: name) else { continue }
                        group.addTask { await self.deliver(job.message, by: job.sender) }
                    } catch {
                        isBlocked = true
                        logger.error("the outbox cannot be written", metadata: ["reason": "\(error)"])
                    }
                }
                await pause(atMost: isBlocked ? .seconds(5) : nil)
            }
            group.cancelAll()
        }
    }

    /// Newest first.
    package func recent() -> [RecentDelivery] { deliveries.reversed() }

    func milliseconds(since start: MonotonicTime) -> Int { Int((clock.now - start) / .milliseconds(1)) }

    private var moment: Lane.Moment {
        Lane.Moment(now: clock.now, wall: Timestamp(nanoseconds: clock.wallNanoseconds))
    }
}

// MARK: - The loop

extension Notifier {
    private struct Job: Sendable {
        let message: OutboxMessage
        let sender: any ChannelSender
    }

    /// The next message of a channel, marked as under way in the store; nil where there is nothing to do now.
    private func next(of name: String) async throws(NotificationError) -> Job? {
        await enter()
        defer { leave() }
        guard var lane = lanes[name], let target = targets[name] else { return nil }
        let hasFallback = spec.hasFallback(for: name)
        var all = lanes
        let expired = lane.expire(hasFallback: hasFallback, at: moment)
        var changes = expired.changes
        var notes = note(
            expired, lane: lane,
            expired.outcome == .dropped ? "nobody took it for 24 hours" : "the channel takes too long")
        changes += handOver(expired.handOver, from: name, to: spec.fallback, &all)
        var job: Job?
        switch target {
        case .ready(_, let sender):
            let begun = lane.begin(at: moment)
            changes += begun.changes
            job = begun.message.map { Job(message: $0, sender: sender) }
        case .misconfigured(_, let problem):
            guard hasFallback, case .ready? = spec.fallback.flatMap({ targets[$0] }) else { break }
            let begun = lane.begin(at: moment)
            changes += begun.changes
            guard let message = begun.message else { break }
            let refused = Delivery(result: .refused, answer: problem)
            let end = lane.finish(message.id, refused, hasFallback: true, at: moment, random: 0)
            changes += end.changes + handOver(end.handOver, from: name, to: spec.fallback, &all)
            notes += note(end, lane: lane, problem, titles: message.titles)
        }
        guard !changes.isEmpty else { return nil }
        try await commit(changes)
        all[name] = lane
        lanes = all
        for one in notes { remember(one) }
        if job == nil { wake.signal() }
        return job
    }

    private func deliver(_ message: OutboxMessage, by sender: any ChannelSender) async {
        let delivery = await sender.send(message)
        if Task.isCancelled, delivery.result != .accepted { return }
        while true {
            do throws(NotificationError) {
                try await settle(message, delivery)
                return wake.signal()
            } catch {
                logger.error(
                    "the end of a delivery cannot be written; trying again in 5 s",
                    metadata: ["channel": "\(message.channel)", "reason": "\(error)"])
            }
            do {
                try await clock.sleep(for: .seconds(5))
            } catch {
                return  // The daemon ends; the next one finds the message under way.
            }
        }
    }

    private func settle(_ message: OutboxMessage, _ delivery: Delivery) async throws(NotificationError) {
        await enter()
        defer { leave() }
        guard var lane = lanes[message.channel] else { return }
        var all = lanes
        let end = lane.finish(
            message.id, delivery, hasFallback: spec.hasFallback(for: message.channel), at: moment, random: random())
        all[message.channel] = lane
        let changes = end.changes + handOver(end.handOver, from: message.channel, to: spec.fallback, &all)
        try await commit(changes)
        lanes = all
        for one in note(end, lane: lane, delivery.answer, titles: message.titles) { remember(one) }
    }

    private func pause(atMost limit: Duration?) async {
        let times = spec.channels.flatMap { channel -> [MonotonicTime] in
            guard let lane = lanes[channel.name] else { return [] }
            let expiry = lane.nextExpiry(hasFallback: spec.hasFallback(for: channel.name))
            return (canSend(channel.name) ? [lane.nextDue] : []).compactMap { $0 } + [expiry].compactMap { $0 }
        }
        let end = limit.map { clock.now + $0 } ?? min(times.min() ?? .max, clock.now + .seconds(3600))
        let wake = wake
        _ = await within(end - clock.now, clock: clock) { await wake.wait() }
    }

    /// False where a channel's messages wait for a reload.
    private func canSend(_ name: String) -> Bool {
        if case .ready? = targets[name] { return true }
        guard spec.hasFallback(for: name), case .ready? = spec.fallback.flatMap({ targets[$0] }) else { return false }
        return true
    }

    /// Puts what one channel could not take into the queue of the fallback.
    private func handOver(
        _ lines: [OutboxLine], from name: String, to fallback: String?, _ lanes: inout [String: Lane]
    ) -> [OutboxChange] {
        guard let fallback, fallback != name else { return [] }
        var changes: [OutboxChange] = []
        for line in lines {
            let copy = OutboxLine(notice: line.notice, since: line.since, count: line.count, from: name)
            changes += lanes[fallback, default: Lane(channel: fallback)].add(
                copy, window: Limits.window, at: moment, id: Self.newID())
        }
        return changes
    }

    private func commit(_ changes: [OutboxChange]) async throws(NotificationError) {
        if changes.isEmpty { return }
        do {
            try await store.commit(changes)
        } catch {
            throw .notKept("\(error)")
        }
    }

    private func enter() async {
        if turn.take() { return }
        await withCheckedContinuation { turn.enqueue($0) }
    }

    private func leave() { turn.pass() }

    /// 128 random bits.
    private static func newID() -> String {
        hexadecimal((0..<16).map { _ in UInt8.random(in: 0 ... .max) })
    }
}

// MARK: - What is told of deliveries

extension Notifier {
    private func note(
        _ end: Lane.Finished, lane: Lane, _ detail: String, titles: [String]? = nil
    ) -> [RecentDelivery] {
        guard let outcome = end.outcome else { return [] }
        let shown = titles ?? end.handOver.prefix(10).map(\.notice.title)
        return [
            RecentDelivery(
                time: moment.wall, channel: lane.channel, outcome: outcome, titles: shown, detail: detail)
        ]
    }

    private func gone(_ name: String, _ lines: [OutboxLine], hasFallback: Bool) -> RecentDelivery {
        RecentDelivery(
            time: moment.wall, channel: name, outcome: hasFallback ? .handedOver : .dropped,
            titles: lines.prefix(10).map(\.notice.title), detail: "the file does not name the channel any more")
    }

    private func remember(_ delivery: RecentDelivery) {
        deliveries.append(delivery)
        if deliveries.count > Limits.recent { deliveries.removeFirst(deliveries.count - Limits.recent) }
        let metadata: Logger.Metadata = ["channel": "\(delivery.channel)", "answer": "\(delivery.detail)"]
        switch delivery.outcome {
        case .sent: logger.debug("a notification was sent", metadata: metadata)
        case .failed: logger.warning("a notification was not taken; it is tried again", metadata: metadata)
        case .handedOver: logger.warning("a notification goes to the fallback", metadata: metadata)
        case .uncertain: logger.warning("a notification may not have arrived", metadata: metadata)
        case .dropped: logger.error("a notification was given up", metadata: metadata)
        }
    }
}

extension MonotonicTime {
    fileprivate static let max = MonotonicTime(nanoseconds: .max)
}
