import AloftModel
import AloftSystem

/// The queue of one channel: what waits, what is under way, when the next try may be. Pure; times are arguments.
///
/// One message is under way at a time, so a notice of an end never overtakes that of its beginning.
struct Lane: Sendable {
    let channel: String
    private(set) var entries: [Entry] = []
    var record: ChannelRecord
    private(set) var failures = 0
    private(set) var blockedUntil: MonotonicTime?
    private(set) var underWay: String?
    /// Ahead of now by `Limits.pace` for each message that was sent lately.
    private var paidUntil: MonotonicTime?
    /// When the fallback was given what took too long.
    private var lastHandOver: MonotonicTime?

    init(channel: String, record: ChannelRecord? = nil) {
        self.channel = channel
        self.record = record ?? ChannelRecord(channel: channel)
    }

    /// Notices that wait or are under way.
    var waiting: Int { entries.reduce(0) { $0 + $1.message.lines.count } }

    /// When there is something to do; nil while nothing waits or a message is under way.
    var nextDue: MonotonicTime? {
        guard underWay == nil, let first = entries.map(\.due).min() else { return nil }
        let paced = paidUntil.map { $0.advanced(by: Limits.pace * (1 - Limits.burst)) }
        return max(first, blockedUntil ?? first, paced ?? first)
    }

    /// When to look again at what `expire` decides: criticals that are due for the fallback, and what is a day old.
    func nextExpiry(hasFallback: Bool) -> MonotonicTime? {
        entries.filter { $0.message.id != underWay }.map { entry in
            let age = entry.born.advanced(by: Limits.age)
            return hasFallback && isTooLong(entry) ? min(age, patienceEnds(entry)) : age
        }.min()
    }

    /// Takes in a message of the store. Its times are the wall clock's, which may have been set meanwhile: bounded.
    mutating func restore(_ message: OutboxMessage, at moment: Moment, longest: Duration) {
        let left = min(max(message.notBefore - moment.wall, .zero), longest)
        let age = min(max(moment.wall - message.posted, .zero), Limits.age)
        let born = moment.now.advanced(by: .zero - age)
        let wasTried = message.attempts > 0
        if wasTried {
            // Its wait is the channel's: what was posted later must not overtake it.
            blockedUntil = max(blockedUntil ?? moment.now, moment.now + left)
            failures = max(failures, message.attempts)
        }
        let entry = Entry(message: message, due: wasTried ? born : moment.now + left, born: born, window: nil)
        let place = entries.firstIndex { $0.message.posted > message.posted } ?? entries.endIndex
        entries.insert(entry, at: place)
    }

    /// Nothing keeps it from the next try any more: its configuration was changed.
    mutating func unblock() {
        blockedUntil = nil
        failures = 0
    }
}

// MARK: - Posting

extension Lane {
    /// Puts a notice in the queue, or into what waits there already.
    mutating func add(
        _ line: OutboxLine, window: Duration, at moment: Moment, id: @autoclosure () -> String
    ) -> [OutboxChange] {
        let notice = line.notice
        if let place = entries.firstIndex(where: { $0.isOpen && $0.message.holds(notice.key) }) {
            return fold(line, into: place)
        }
        guard isNews(notice, at: moment.wall) else { return [] }
        let place: Int
        if let joined = entries.firstIndex(where: { $0.takesMore(window: window, now: moment.now) }) {
            place = joined
            entries[place].message.lines.append(line)
        } else {
            let due = moment.now + window
            place = entries.endIndex
            let message = OutboxMessage(
                id: id(), channel: channel, lines: [line], posted: moment.wall, notBefore: moment.wall + window)
            entries.append(Entry(message: message, due: due, born: moment.now, window: window))
        }
        return [.save(entries[place].message)] + dropExcess()
    }

    private mutating func fold(_ line: OutboxLine, into place: Int) -> [OutboxChange] {
        let before = entries[place].message
        entries[place].message.lines = folded(before.lines, with: line)
        let after = entries[place].message
        if after == before { return [] }
        if after.lines.isEmpty {
            entries.remove(at: place)
            return [.remove(id: after.id)]
        }
        return [.save(after)]
    }

    /// `lines` with one more: the same key is replaced and counted; an end of what nobody was told of takes both away.
    private func folded(_ lines: [OutboxLine], with line: OutboxLine) -> [OutboxLine] {
        guard let place = lines.firstIndex(where: { $0.notice.key == line.notice.key }) else { return lines + [line] }
        var result = lines
        let old = result[place]
        if old.notice == line.notice { return lines }
        if line.notice.isOver, !old.notice.isOver, !wasTold(line.notice.key) {
            result.remove(at: place)
            return result
        }
        result[place].notice = line.notice
        if old.notice.isOver == line.notice.isOver {
            result[place].count += line.count
            if old.notice.title != line.notice.title { result[place].isHandedOver = line.isHandedOver }
        } else {
            result[place].count = line.count
            result[place].since = line.since
            result[place].isHandedOver = line.isHandedOver
        }
        return result
    }

    private func wasTold(_ key: String) -> Bool {
        guard let known = lastKnown(key) else { return false }
        return !known.isOver
    }

    /// What the channel knows of a key, or will know once what is under way or may have arrived is there.
    private func lastKnown(_ key: String) -> ChannelRecord.Told? {
        for entry in entries.reversed() where !entry.isOpen {
            guard let line = entry.message.lines.first(where: { $0.notice.key == key }) else { continue }
            return ChannelRecord.Told(title: line.notice.title, isOver: line.notice.isOver, time: line.notice.time)
        }
        return record.told[key]
    }

    private func isNews(_ notice: Notice, at wall: Timestamp) -> Bool {
        guard let known = lastKnown(notice.key) else { return !notice.isOver }
        if notice.isOver { return !known.isOver }
        if known.isOver || known.title != notice.title { return true }
        let past = wall - known.time
        return past < .zero || past >= Limits.silence
    }

    /// Throws away the oldest warnings, then deploys, then the critical ones, until what waits is within its limit.
    private mutating func dropExcess() -> [OutboxChange] {
        var changes: [OutboxChange] = []
        while waiting > Limits.waitingPerChannel {
            guard let (place, line) = leastWanted() else { break }
            entries[place].message.lines.remove(at: line)
            record.dropped += 1
            let message = entries[place].message
            if message.lines.isEmpty { entries.remove(at: place) }
            changes.append(message.lines.isEmpty ? .remove(id: message.id) : .save(message))
        }
        return changes.isEmpty ? [] : changes + [.record(record)]
    }

    /// What is sealed keeps its lines, and so does what is under way.
    private func leastWanted() -> (entry: Int, line: Int)? {
        for route in [NoticeRoute.warning, .deploys, .critical] {
            for (place, entry) in entries.enumerated() where entry.isOpen {
                if let line = entry.message.lines.firstIndex(where: { $0.notice.route == route }) {
                    return (place, line)
                }
            }
        }
        return nil
    }
}

// MARK: - Sending

extension Lane {
    /// Takes what is due as one message, marked as under way; nil where there is nothing to send now.
    mutating func begin(at moment: Moment) -> (message: OutboxMessage?, changes: [OutboxChange]) {
        guard let due = nextDue, due <= moment.now else { return (nil, []) }
        // What is sealed goes first, or what came later about the same key would overtake it.
        let sealed = entries.firstIndex { $0.message.isSealed && $0.due <= moment.now }
        guard let first = sealed ?? entries.firstIndex(where: { $0.due <= moment.now }) else { return (nil, []) }
        var changes = entries[first].isOpen ? gather(into: first, now: moment.now) : []
        guard !entries[first].message.lines.isEmpty else {
            let gone = entries.remove(at: first)
            return (nil, changes + [.remove(id: gone.message.id)])
        }
        entries[first].message.state = .sending
        entries[first].message.attempts += 1
        let message = entries[first].message
        underWay = message.id
        changes.append(.save(message))
        return (message, changes)
    }

    /// Merges the other open messages that are due, so that an hour of silence ends in one message.
    private mutating func gather(into first: Int, now: MonotonicTime) -> [OutboxChange] {
        var changes: [OutboxChange] = []
        var place = first + 1
        while place < entries.endIndex {
            let other = entries[place]
            let room = Limits.linesPerMessage - entries[first].message.lines.count
            guard other.isOpen, other.due <= now, other.message.lines.count <= room else {
                place += 1
                continue
            }
            for line in other.message.lines {
                entries[first].message.lines = folded(entries[first].message.lines, with: line)
            }
            changes.append(.remove(id: other.message.id))
            entries.remove(at: place)
        }
        return changes
    }

    /// Feeds the end of the try that `begin` started.
    mutating func finish(
        _ id: String, _ delivery: Delivery, hasFallback: Bool, at moment: Moment, random: Double
    ) -> Finished {
        underWay = nil
        guard let place = entries.firstIndex(where: { $0.message.id == id }) else { return Finished() }
        entries[place].message.delivered += delivery.delivered
        noteTaken(delivery, place, at: moment.wall)
        switch delivery.result {
        case .accepted:
            unblock()
            paidUntil = max(paidUntil ?? moment.now, moment.now).advanced(by: Limits.pace)
            record.lastSuccess = moment.wall
            entries.remove(at: place)
            return Finished(changes: [.remove(id: id), .record(record)], outcome: .sent)
        case .refused:
            noteFailure(delivery, at: moment.wall)
            return giveUp(place, hasFallback: hasFallback)
        case .failed:
            noteFailure(delivery, at: moment.wall)
            guard moment.now - entries[place].born < Limits.age else { return giveUp(place, hasFallback: hasFallback) }
            return retry(place, delivery, at: moment, random: random)
        }
    }

    /// Gives up what is older than a day, and gives the fallback the criticals that failed for ten minutes.
    mutating func expire(hasFallback: Bool, at moment: Moment) -> Finished {
        var result = Finished()
        while let place = entries.firstIndex(where: {
            $0.message.id != underWay && moment.now - $0.born >= Limits.age
        }) {
            let one = giveUp(place, hasFallback: hasFallback)
            result.changes += one.changes
            result.handOver += one.handOver
            result.outcome = one.outcome
        }
        guard hasFallback, entries.contains(where: { isTooLong($0) && patienceEnds($0) <= moment.now }) else {
            return result
        }
        lastHandOver = moment.now
        // With the one that waited too long go the younger ones: the fallback gets few messages, not one for each.
        for place in entries.indices where entries[place].message.id != underWay && entries[place].due <= moment.now {
            guard entries[place].message.lines.contains(where: \.isUrgent) else { continue }
            for line in entries[place].message.lines.indices where entries[place].message.lines[line].isUrgent {
                result.handOver.append(entries[place].message.lines[line])
                entries[place].message.lines[line].isHandedOver = true
            }
            result.changes.append(.save(entries[place].message))
            result.outcome = .handedOver
        }
        return result
    }

    /// True where the channel fails, and the message holds a critical notice that the fallback does not have.
    private func isTooLong(_ entry: Entry) -> Bool {
        failures > 0 && entry.message.id != underWay && entry.message.lines.contains(where: \.isUrgent)
    }

    private func patienceEnds(_ entry: Entry) -> MonotonicTime {
        max(entry.due, lastHandOver ?? entry.due).advanced(by: Limits.patience)
    }

    /// After a start: decides what becomes of messages that were under way when the daemon died.
    mutating func resume(recognisesRepetition: Bool, hasFallback: Bool) -> Finished {
        var result = Finished()
        for entry in entries where entry.message.state == .sending && entry.message.id != underWay {
            guard let place = entries.firstIndex(where: { $0.message.id == entry.message.id }) else { continue }
            if recognisesRepetition {
                entries[place].message.state = .waiting
                entries[place].message.isSealed = true
                result.changes.append(.save(entries[place].message))
            } else {
                record.uncertain += 1
                result.outcome = .uncertain
                for line in entry.message.lines { tell(line.notice) }
                result.handOver += hasFallback ? entry.message.lines.filter(\.mayBeHandedOver) : []
                result.changes += [.remove(id: entry.message.id), .record(record)]
                entries.remove(at: place)
            }
        }
        return result
    }

    private mutating func retry(
        _ place: Int, _ delivery: Delivery, at moment: Moment, random: Double
    ) -> Finished {
        failures += 1
        let wait = delivery.retryAfter.map { min(max($0, .seconds(1)), Limits.retryAfter) }
        let delay = wait ?? Backoff.delay(failures: failures, random: random)
        blockedUntil = moment.now + delay
        entries[place].message.state = .waiting
        entries[place].message.isSealed = entries[place].message.isSealed || delivery.seals
        entries[place].message.notBefore = moment.wall + delay
        let changes = entries[place].isOpen ? absorb(into: place) : [.save(entries[place].message)]
        return Finished(changes: changes + [.record(record)], outcome: .failed)
    }

    /// Takes in what was posted about the same keys while the message was under way.
    ///
    /// So a key is in one open message at most, and the last word about it is the one that counts.
    private mutating func absorb(into place: Int) -> [OutboxChange] {
        let keys = Set(entries[place].message.lines.map(\.notice.key))
        var touched = [entries[place].message.id]
        for other in entries.indices where other != place && entries[other].isOpen {
            let same = entries[other].message.lines.filter { keys.contains($0.notice.key) }
            if same.isEmpty { continue }
            for line in same { entries[place].message.lines = folded(entries[place].message.lines, with: line) }
            entries[other].message.lines.removeAll { keys.contains($0.notice.key) }
            touched.append(entries[other].message.id)
        }
        let changes = entries.map(\.message).filter { touched.contains($0.id) }.map { message -> OutboxChange in
            message.lines.isEmpty ? .remove(id: message.id) : .save(message)
        }
        entries.removeAll { $0.message.lines.isEmpty }
        return changes
    }

    private mutating func giveUp(_ place: Int, hasFallback: Bool) -> Finished {
        let message = entries.remove(at: place).message
        let handed = hasFallback ? message.lines.filter(\.mayBeHandedOver) : []
        record.dropped += message.lines.count { !$0.isHandedOver } - handed.count
        return Finished(
            changes: [.remove(id: message.id), .record(record)], handOver: handed,
            outcome: handed.isEmpty ? .dropped : .handedOver)
    }

    private mutating func noteFailure(_ delivery: Delivery, at wall: Timestamp) {
        record.lastFailure = wall
        record.lastFailureReason = delivery.answer
    }

    /// Remembers what the channel knows now, and takes lines that it has out of a message it has not wholly taken.
    private mutating func noteTaken(_ delivery: Delivery, _ place: Int, at wall: Timestamp) {
        let all = delivery.result == .accepted
        for line in entries[place].message.lines {
            // Of what may have arrived, a beginning counts as told, and an end does not: so an end comes in any case.
            let mayBeKnown = delivery.isInDoubt && !line.notice.isOver
            if all || mayBeKnown || delivery.keysTaken.contains(line.notice.key) { tell(line.notice) }
        }
        if delivery.result == .accepted { return }
        entries[place].message.lines.removeAll { delivery.keysTaken.contains($0.notice.key) }
    }

    private mutating func tell(_ notice: Notice) {
        record.told[notice.key] = .init(title: notice.title, isOver: notice.isOver, time: notice.time)
        guard record.told.count > Limits.toldPerChannel else { return }
        // What is over first: of the others somebody still waits for the end.
        let oldest = record.told.min { left, right in
            if left.value.isOver != right.value.isOver { return left.value.isOver }
            return (left.value.time, left.key) < (right.value.time, right.key)
        }
        if let oldest { record.told[oldest.key] = nil }
    }
}
