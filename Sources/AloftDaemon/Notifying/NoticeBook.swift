import AloftModel
import AloftNotifications

/// Which events people are told of, and in which words; all others stay in the journal.
///
/// Titles have no numbers that change from one event to the next: the same key and title again is not news.
enum NoticeBook {
    /// A notice, and the second line of `notifications` whose channels hear of it.
    struct Posting: Sendable, Hashable {
        let notice: Notice
        var also: NoticeRoute?
        /// The job it is about, whose `onFailure` may name a channel in place of the route's.
        var job: String?
    }

    /// Empty for an event that nobody has to hear of.
    ///
    /// - Parameter environment: The daemon's, for the commands that are proposed.
    static func postings(of event: Event, in environment: String?) -> [Posting] {
        let command = ProposedCommand(environment: environment)
        let words = Words(event: event, command: command)
        switch event.kind {
        case "rollout.started": return [words.deploy("is being rolled out")]
        case "rollout.waiting": return waiting(words)
        case "rollout.promoted": return [words.deploy("serves all requests"), words.end(.critical, also: .deploys)]
        case "rollout.aborted": return [words.deploy("was aborted"), words.end(.critical, also: .deploys)]
        case "rollout.superseded": return [words.deploy("was superseded"), words.end(.critical, also: .deploys)]
        case "rollout.rolledBack": return [words.end(.critical, also: .deploys)]
        case "rollout.failed": return [failed(words), words.end(.critical, also: .deploys)]
        case "rollout.frozen": return [frozen(words)]
        case "release.refused":
            return [
                words.posting(
                    .warning, "its change was not deployed", also: .deploys,
                    action: "The release before goes on serving.", advice: command("history \(event.subject)"))
            ]
        case "replica.exited" where event.severity == .error: return [replica(words, "replicas end by themselves")]
        case "replica.failed": return [replica(words, "replicas can't be started")]
        case "replica.unhealthy": return [replica(words, "replicas don't answer their probe")]
        case "job.failed": return [job(words, "a run failed")]
        case "job.missed": return [job(words, "a run was missed")]
        case "job.finished":
            var posting = words.end(.warning)
            posting.job = event.subject
            return [posting]
        case "scaling.metricMissing":
            return [
                words.posting(
                    .warning, "a metric of its scaling is missing",
                    action: "The number of replicas is not lowered without it.")
            ]
        case "scaling.metricBack": return [words.end(.warning)]
        case "logs.failing":
            return [words.posting(.warning, "can't be written", advice: "See `df`, \(command("events")).")]
        case "logs.recovered": return [words.end(.warning)]
        case "edge.shortage":
            return [
                words.posting(.critical, "has no room for more connections", advice: "Raise the limit of open files.")
            ]
        case "certificate.warning": return [words.posting(.warning, "a certificate needs care")]
        default: return []
        }
    }

    private static func waiting(_ words: Words) -> [Posting] {
        guard let name = words.event.message.split(separator: "`").dropFirst().first,
            words.event.message.contains("approval")
        else {
            return []
        }
        let service = words.event.subject
        return [
            words.deploy(
                "waits for an approval",
                advice: words.command("approve \(service) --as \(name)") + ", or " + words.command("abort \(service)")
                    + ".")
        ]
    }

    private static func failed(_ words: Words) -> Posting {
        let service = words.event.subject
        return words.posting(
            .warning, "\(words.release) failed", also: .deploys, key: words.releaseKey,
            action: "The release before goes on serving, or serves again within moments.",
            advice: words.command("history \(service)") + " shows why, " + words.command("logs \(service)")
                + " what it printed.")
    }

    private static func frozen(_ words: Words) -> Posting {
        let service = words.event.subject
        return words.posting(
            .critical, "\(words.release) is frozen", also: .deploys, action: "Nothing is moved any more.",
            advice: "See " + words.command("status") + "; then " + words.command("promote \(service)") + ", "
                + words.command("abort \(service)") + ", or deploy a repaired one.")
    }

    private static func job(_ words: Words, _ what: String) -> Posting {
        let name = words.event.subject
        var posting = words.posting(
            .warning, what,
            advice: words.command("logs \(name)") + " shows what it printed, " + words.command("run \(name)")
                + " runs it again.")
        posting.job = name
        return posting
    }

    private static func replica(_ words: Words, _ what: String) -> Posting {
        words.posting(
            .warning, what, key: "replica/\(words.service)", action: "Each is replaced after its back-off.",
            advice: words.command("status") + " says why, " + words.command("logs \(words.service)")
                + " what they printed.")
    }
}

/// An event in pieces.
private struct Words {
    let event: Event
    let command: ProposedCommand
    /// `release 12`, where the message begins with it.
    let release: String

    init(event: Event, command: ProposedCommand) {
        self.event = event
        self.command = command
        let words = event.message.split(separator: " ", maxSplits: 2)
        let number = words.count > 1 && words[0] == "release" ? words[1].prefix(while: \.isNumber) : ""
        release = number.isEmpty ? "a release" : "release \(number)"
    }

    /// The service of a replica: `web` of `web-2`.
    var service: Substring {
        let name = event.subject
        guard let dash = name.lastIndex(of: "-"), name[dash...].dropFirst().allSatisfy(\.isNumber) else {
            return name[...]
        }
        return name[..<dash]
    }

    /// The part of the daemon and what it is about.
    var key: String { "\(event.kind.prefix { $0 != "." })/\(event.subject)" }
    var releaseKey: String { "\(key)/\(release.drop { !$0.isNumber })" }

    /// One notice a state of a release; what it says later takes the place of what was not sent yet.
    func deploy(_ what: String, advice: String? = nil) -> NoticeBook.Posting {
        posting(.deploys, "\(release) \(what)", key: releaseKey, advice: advice)
    }

    func posting(
        _ route: NoticeRoute, _ what: String, also: NoticeRoute? = nil, key: String? = nil, action: String? = nil,
        advice: String? = nil
    ) -> NoticeBook.Posting {
        let subject = what.hasPrefix("replicas") ? String(service) : event.subject
        return NoticeBook.Posting(
            notice: Notice(
                route: route, key: key ?? self.key, title: "\(subject): \(what)", text: event.message, action: action,
                advice: advice, time: event.time),
            also: also)
    }

    func end(_ route: NoticeRoute, also: NoticeRoute? = nil) -> NoticeBook.Posting {
        NoticeBook.Posting(
            notice: Notice(
                route: route, key: key, title: "\(event.subject): over", text: event.message, time: event.time,
                isOver: true),
            also: also)
    }
}
