import AloftJournal
import AloftModel
import AloftNotifications
import Foundation

/// The notifier's outbox is a table of the journal.
struct JournalOutbox: OutboxStore {
    private static let messages = "message/"
    private static let channels = "channel/"

    let journal: Journal

    func load() async throws -> OutboxContents {
        var contents = OutboxContents()
        let decoder = JSONDecoder()
        for row in try await journal.outbox() {
            let json = Data(row.json)
            if row.id.hasPrefix(Self.messages) {
                contents.messages.append(try decoder.decode(OutboxMessage.self, from: json))
            } else if row.id.hasPrefix(Self.channels) {
                contents.channels.append(try decoder.decode(ChannelRecord.self, from: json))
            }
        }
        return contents
    }

    func commit(_ changes: [AloftNotifications.OutboxChange]) async throws {
        let encoder = JSONEncoder()
        let rows: [Journal.OutboxChange] = try changes.map { change in
            switch change {
            case .save(let message):
                .put(OutboxRow(id: Self.messages + message.id, json: Array(try encoder.encode(message))))
            case .remove(let id): .remove(id: Self.messages + id)
            case .record(let record):
                .put(OutboxRow(id: Self.channels + record.channel, json: Array(try encoder.encode(record))))
            case .forget(let channel): .remove(id: Self.channels + channel)
            }
        }
        try await journal.changeOutbox(rows)
    }
}

extension Template {
    /// Its text with the variables that the daemon was started with; ports and sockets are of replicas alone.
    func text(variables: [String: String]) throws(MissingReference) -> String {
        var result = ""
        for part in parts {
            switch part {
            case .text(let text): result += text
            case .environment(let name):
                guard let value = variables[name] else { throw MissingReference("${env.\(name)}") }
                result += value
            case .port: throw MissingReference("${PORT}")
            case .socket: throw MissingReference("${SOCKET}")
            }
        }
        return result
    }
}

extension Notifier {
    /// Takes the channels and routes of a plan.
    func follow(_ plan: Plan, variables: [String: String]) async throws(NotificationError) {
        try await apply(plan.notifications) { template throws(MissingReference) in
            try template.text(variables: variables)
        }
    }
}

extension ChannelReport {
    init(_ status: ChannelStatus) {
        self.init(
            name: status.name, kind: status.kind, host: status.host, state: status.state.rawValue,
            waiting: status.waiting, dropped: status.dropped, lastSuccess: status.lastSuccess,
            lastFailure: status.lastFailure, failure: status.problem ?? status.lastFailureReason,
            nextTry: status.nextTry)
    }
}

extension NotificationTestReport {
    init(_ outcome: TestOutcome) {
        self.init(channel: outcome.channel, isDelivered: outcome.isAccepted, answer: outcome.answer)
    }
}
