import AloftModel
import Foundation
import Synchronization

@testable import AloftNotifications

/// Keeps the outbox in memory, or as JSON in a file that is replaced as a whole; dies when it is told to.
final class TestStore: OutboxStore {
    struct Died: Error {}

    private struct State {
        var contents = OutboxContents()
        var commits = 0
        var diesAt: Int?
    }

    private let state = Mutex(State())
    private let file: URL?

    init(file: String? = nil) { self.file = file.map { URL(fileURLWithPath: $0) } }

    /// Of its file.
    var path: String? { file?.path }

    /// Commits that were tried until now.
    var commits: Int { state.withLock { $0.commits } }
    var isDead: Bool { state.withLock { state in state.diesAt.map { state.commits > $0 } ?? false } }

    /// The commit of this number, from 0, and all after it fail.
    func die(at number: Int?) {
        state.withLock { state in (state.commits, state.diesAt) = (0, number) }
    }

    func load() throws -> OutboxContents {
        try state.withLock { state in
            guard let file else { return state.contents }
            guard FileManager.default.fileExists(atPath: file.path) else { return OutboxContents() }
            return try JSONDecoder().decode(OutboxContents.self, from: Data(contentsOf: file))
        }
    }

    func commit(_ changes: [OutboxChange]) throws {
        var contents = try load()
        for change in changes {
            switch change {
            case .save(let message):
                contents.messages.removeAll { $0.id == message.id }
                contents.messages.append(message)
            case .remove(let id): contents.messages.removeAll { $0.id == id }
            case .record(let record):
                contents.channels.removeAll { $0.channel == record.channel }
                contents.channels.append(record)
            case .forget(let channel): contents.channels.removeAll { $0.channel == channel }
            }
        }
        let result = contents
        try state.withLock { state in
            defer { state.commits += 1 }
            if let end = state.diesAt, state.commits >= end { throw Died() }
            if let file { try JSONEncoder().encode(result).write(to: file, options: .atomic) }
            state.contents = result
        }
    }
}

/// What a channel of the tests got.
final class TestSender: ChannelSender {
    let recognisesRepetition: Bool
    private let state = Mutex<(sent: [(message: OutboxMessage, isTaken: Bool)], answer: Delivery)>(([], .accepted))

    init(recognisesRepetition: Bool) { self.recognisesRepetition = recognisesRepetition }

    /// Each message that was sent, also those that were not taken.
    var messages: [OutboxMessage] { state.withLock { $0.sent.map(\.message) } }
    var taken: [OutboxMessage] { state.withLock { $0.sent.filter(\.isTaken).map(\.message) } }
    var keys: [String] { messages.flatMap(\.lines).map(\.notice.key) }

    /// Answers like this from now on.
    func answers(_ answer: Delivery) { state.withLock { $0.answer = answer } }

    func send(_ message: OutboxMessage) -> Delivery {
        state.withLock { state in
            state.sent.append((message, state.answer.result == .accepted))
            return state.answer
        }
    }
}
