import AloftModel
import AloftTestKit
import Testing

@testable import AloftNotifications

@Suite("The queue, whatever comes")
struct LanePropertyTests {
    @Test("nothing is lost, the last word of each key arrives, and the limits hold")
    func anything() async throws {
        try await eachSeed(of: 400) { try life(seed: $0) }
    }

    private func life(seed: UInt64) throws {
        var dice = SplitMix(seed: seed)
        let queue = Queue()
        queue.hasFallback = Bool.random(using: &dice)
        let isSlack = Bool.random(using: &dice)
        var story = Story()
        for step in 0..<300 {
            story.step(step, queue, isSlack: isSlack, &dice)
            #expect(
                queue.stored.values.sorted(by: { $0.id < $1.id })
                    == queue.lane.entries.map(\.message).sorted(by: { $0.id < $1.id }), "seed \(seed)")
            let open = queue.lane.entries.filter(\.isOpen).flatMap(\.message.lines).map(\.notice.key)
            #expect(Set(open).count == open.count, "seed \(seed): a key in two open messages")
            #expect(
                queue.lane.entries.allSatisfy {
                    $0.message.lines.count <= Limits.linesPerMessage && !$0.message.lines.isEmpty
                })
        }
        story.finish(queue)
        var last = 0
        while let message = queue.deliver() {
            story.arrived(message)
            last += 1
            try #require(last < 1000, "seed \(seed): it never ends")
        }
        #expect(queue.lane.record.dropped == 0 && queue.stored.isEmpty, "seed \(seed)")
        for (key, word) in story.said where !story.surrendered.contains(key) {
            let heard = story.heard[key]
            let isRight = word.isOver ? heard?.isOver != false : heard == word
            #expect(isRight, "seed \(seed): \(key) ended with \(word), heard \(String(describing: heard))")
        }
    }
}

/// What was said about each key, and what the far side heard.
private struct Story {
    struct Word: Equatable {
        var title: String
        var isOver: Bool
    }

    var said: [String: Word] = [:]
    var heard: [String: Word] = [:]
    /// Of messages that may have arrived or not, on a channel that is not asked again.
    var surrendered: Set<String> = []
    private var underWay: OutboxMessage?
    /// Lines by the id of what may have arrived.
    private var sealed: [String: [OutboxLine]] = [:]

    mutating func step(_ step: Int, _ queue: Queue, isSlack: Bool, _ dice: inout SplitMix) {
        switch Int.random(in: 0..<10, using: &dice) {
        case 0...3: post(step, queue, &dice)
        case 4...5: queue.pass(.milliseconds(Int.random(in: 1...20_000, using: &dice)))
        case 6...8:
            if let message = underWay {
                end(message, queue, isSlack: isSlack, &dice)
            } else if let message = queue.begin() {
                if let lines = sealed[message.id] { #expect(lines == message.lines, "a sealed message changed") }
                underWay = message
            }
        default:
            guard Int.random(in: 0..<4, using: &dice) == 0 else { return }
            if isSlack, let message = underWay {
                for line in message.lines { surrendered.insert(line.notice.key) }
            } else if let message = underWay {
                sealed[message.id] = message.lines
            }
            underWay = nil
            queue.restart(recognises: !isSlack)
        }
    }

    private mutating func post(_ step: Int, _ queue: Queue, _ dice: inout SplitMix) {
        let key = "k/\(Int.random(in: 0..<8, using: &dice))"
        let isOver = Bool.random(using: &dice)
        // A silent repetition is news again only after hours, so each beginning here has a title of its own.
        let notice = Notice.sample(
            key, "\(key) at \(step)", route: NoticeRoute.allCases.randomElement(using: &dice) ?? .critical,
            over: isOver, at: queue.wall)
        if !(isOver && (said[key]?.isOver ?? true)) { said[key] = Word(title: notice.title, isOver: isOver) }
        let window: [Duration] = [.seconds(2), .seconds(2), .seconds(30)]
        queue.post(notice, window: window.randomElement(using: &dice) ?? .seconds(2))
    }

    private mutating func end(_ message: OutboxMessage, _ queue: Queue, isSlack: Bool, _ dice: inout SplitMix) {
        underWay = nil
        switch Int.random(in: 0..<3, using: &dice) {
        case 0:
            queue.finish(message, .accepted)
            arrived(message)
        case 1: queue.finish(message, .failed)
        default:
            var silent = Delivery.silent
            (silent.seals, silent.isInDoubt) = (!isSlack, isSlack)
            if silent.seals { sealed[message.id] = message.lines }
            queue.finish(message, silent)
            if Bool.random(using: &dice) { arrived(message) }
        }
    }

    mutating func finish(_ queue: Queue) {
        guard let message = underWay else { return }
        queue.finish(message, .accepted)
        arrived(message)
    }

    mutating func arrived(_ message: OutboxMessage) {
        for line in message.lines {
            heard[line.notice.key] = Word(title: line.notice.title, isOver: line.notice.isOver)
        }
    }
}
