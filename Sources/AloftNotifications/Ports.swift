import AloftModel

/// The journal's part for notifications: two small tables, of messages by id and of channels by name.
package protocol OutboxStore: Sendable {
    /// Everything that is kept: at most 1,000 notices a channel, read once at the start.
    func load() async throws -> OutboxContents
    /// All of the changes or none, in their order, durable once it returns.
    func commit(_ changes: [OutboxChange]) async throws
}

/// One step of a transaction.
package enum OutboxChange: Sendable, Hashable {
    /// Inserts the message, or replaces the one of the same id.
    case save(OutboxMessage)
    /// Removes a message; one that is not there is no error.
    case remove(id: String)
    /// Inserts the record, or replaces the one of the same channel.
    case record(ChannelRecord)
    /// Forgets a channel that the file does not name any more; one that is not there is no error.
    case forget(channel: String)
}

package struct OutboxContents: Sendable, Hashable, Codable {
    /// In any order.
    package var messages: [OutboxMessage]
    package var channels: [ChannelRecord]

    package init(messages: [OutboxMessage] = [], channels: [ChannelRecord] = []) {
        self.messages = messages
        self.channels = channels
    }
}

/// What the lookup of a template throws; the channel is then misconfigured, and says so by this name.
package struct MissingReference: Error, Sendable, Hashable {
    /// As the file spells it, such as `${env.SLACK_URL}`; never a value.
    package let name: String

    package init(_ name: String) { self.name = name }
}

/// Gives the text of a template of the file, with its references replaced.
package typealias TemplateLookup = @Sendable (Template) throws(MissingReference) -> String
