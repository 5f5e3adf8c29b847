import AloftNotifications
import Hummingbird

/// The paths of channels that people are told through.
struct NotificationRoutes: Sendable {
    let notifier: Notifier

    func add(to version: RouterGroup<BasicRequestContext>) {
        version.get("notifications") { _, _ in
            try Answer.json(await notifier.status().map { ChannelReport($0) })
        }
        version.post("notifications/{channel}/test") { _, context in
            let channel = try context.parameters.require("channel")
            let outcome: TestOutcome
            do throws(NotificationError) {
                outcome = try await notifier.test(channel: channel)
            } catch {
                throw ControlFailure(error)
            }
            return try Answer.json(NotificationTestReport(outcome))
        }
    }
}

extension ControlFailure {
    init(_ error: NotificationError) {
        switch error {
        case .unknownChannel:
            self.init(.notFound, "\(error)", hint: "`aloft notify list` shows the channels of the file")
        case .notKept: self.init(.failed, "\(error)")
        }
    }
}
