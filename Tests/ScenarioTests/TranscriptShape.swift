import Foundation

/// What two runs of the same command have in common; a transcript holds where its shape is that of the run.
///
/// **Variable are**: times, dates, durations, process numbers, digests, sizes, what was measured (requests, errors,
/// latencies, shares of a processor) and widths of columns. Each has a pattern of its own below. All else is compared as it
/// stands: words, names, states, their order, verdicts and the limits they name, numbers of releases, steps and weights.
///
/// **Lines of a rollout** come at each change that somebody watches, so that their number depends on the moment. A run of
/// lines with the same place (release, phase, step, weight, words) counts once, also where a verdict comes between. Of the
/// place:
/// - replicas are compared in the last line (`done`, `rolled back` and their like) alone: before it they are on their way;
/// - the weight is compared where requests are shared out by weight (canary, blueGreen). Where the number of replicas
///   makes it (rolling, recreate), it is as much on its way as they are;
/// - what is left of a wait, and the line that a gate has just printed, are left out;
/// - the places before the new release is sent anything (gates, migrating, starting) may be over before the command began
///   to watch: one side may lack the first of them.
///
/// **Judgements** are as many as there was time for: in `aloft history --release` equal ones in a row count once.
/// What gates printed (`  | 12 tests passed`) is theirs to say, and is compared as one line.
/// What a failed release printed is in its error where the log had been read by then, and is left out.
/// "insufficient" is no verdict but the moment at which somebody looked, and is left out too.
struct TranscriptShape: Hashable {
    /// Places of a rollout that can be over before anybody looks, in a row from the beginning of the output.
    private(set) var beginning: [String] = []
    private(set) var lines: [String] = []

    init(_ output: [String]) {
        let isCounted = Self.isCounted(output)
        var subject = ""
        var isBeginning = true
        var last = ""
        var explains = false
        for line in output {
            guard let place = Place(line) else {
                let isPrinted = line.hasPrefix("  |")
                // What a release printed is told where it was read by then.
                if isPrinted, explains { continue }
                explains = line.hasSuffix("; it printed:")
                let text = isPrinted ? "  | PRINTED" : Self.text(line)
                let isRepeated = text == lines.last && (isPrinted || text.prefixMatch(of: Self.judgement) != nil)
                if !isRepeated, !text.contains("verdict insufficient") { lines.append(text) }
                continue
            }
            if place.subject != subject { isBeginning = true }
            subject = place.subject
            isBeginning = isBeginning && place.isBeforeTraffic
            let text = place.text(isCounted: isCounted)
            if text != last { isBeginning ? beginning.append(text) : lines.append(text) }
            last = text
        }
    }

    /// `  25%: pass` of `aloft history --release`.
    private static var judgement: Regex<Substring> { #/ +[0-9.]+%: [a-z]+/# }

    /// True where both are of one run, as far as that can be said.
    func holds(_ run: TranscriptShape) -> Bool {
        lines == run.lines
            && (beginning.ends(with: run.beginning) || run.beginning.ends(with: beginning))
    }

    /// Whether the weights of these lines are counted from replicas: steps and a switch at once have weights of their own.
    private static func isCounted(_ output: [String]) -> Bool {
        let places = output.compactMap { Place($0) }
        if let shifting = places.first(where: { $0.phase == "shifting" }) { return shifting.step.isEmpty }
        guard let promoting = places.first(where: { $0.phase == "promoting" }) else { return false }
        return promoting.weight != "0%"
    }

    // MARK: One line

    /// A line with what is variable replaced by what it is.
    static func text(_ line: String) -> String {
        patterns.reduce(line) { text, pattern in
            text.replacing(pattern.expression) { match in
                let kept = match.output.count > 1 ? match.output[1].substring.map(String.init) ?? "" : ""
                return pattern.stand.replacing("$1", with: kept)
            }
        }
    }

    private struct Pattern {
        let expression: Regex<AnyRegexOutput>
        /// What stands in its place; `$1` is the first group.
        let stand: String

        init(_ expression: String, _ stand: String) {
            do {
                self.expression = try Regex(expression)
            } catch {
                preconditionFailure("\(expression): \(error)")
            }
            self.stand = stand
        }
    }

    /// In this order: a later one meets what earlier ones left.
    // SAFETY: never changed, and a Regex is only read when it is matched; transcripts are compared one after another.
    nonisolated(unsafe) private static let patterns: [Pattern] = [
        // Rows of `aloft status`: of a replica its name, release and state; of the edge the words.
        Pattern(
            #"^(\S+-\d+ +(?:\d+ +)?(?:ready|starting|unready|draining|stopping|backingOff|failed|exited))\b.*$"#, "$1"),
        // Of a service how much came in; which columns of replicas there is room for.
        Pattern(#"^(\S+ +\d+\/\d+ +\S+ +(?:fixed|\d+-\d+)) .*$"#, "$1"),
        Pattern(#"^REPLICA .*$"#, "REPLICA"),
        // Of jobs when they ran and how long.
        Pattern(#"\b\d+(?:s|m|h) ago  +([a-z]\w+)  +\d+(?:\.\d+)? (?:ms|s)$"#, "AGO $1 TOOK"),
        Pattern(#"^ +[\d ]+ requests, [\d ]+ failed, [\d ]+ under way, [\d ]+ connections$"#, "REQUESTS"),
        // Times and dates.
        Pattern(#"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z"#, "DATE"),
        Pattern(#"^\d\d:\d\d:\d\d(?:\.\d+)?"#, "TIME"),
        Pattern(#", given up in [\d hms]+"#, ""),
        Pattern(#"\b(in|up) \d+(?:\.\d+)? ?(?:ms|s|m|h)\b(?: \d+(?:ms|s|m|h))?"#, "$1 TOOK"),
        Pattern(#", [\d hms]+ left\b"#, ""),
        // Processes, and what is made of bytes.
        Pattern(#"\b(pid|process|port) \d+"#, "$1 NUMBER"),
        Pattern(#"\b[0-9a-f]{12,64}\b"#, "DIGEST"),
        Pattern(#"\b\d+ bytes\b"#, "N bytes"),
        Pattern(#"\baloft \d+\.\d+\.\d+\b"#, "aloft VERSION"),
        // What the edge measured; the limits beside it stay.
        Pattern(#"[\d.]+% errors \(\d+ of \d+\)"#, "N% errors (N of N)"),
        Pattern(#"\b(p\d+) [\d.]+ (?:ms|s)\b"#, "$1 N"),
        // Of stable only where enough requests were left to it in that time.
        Pattern(#"; stable [\d.]+(?:%| ms| s)"#, ""),
        Pattern(#"\(\d+ requests\)"#, "(N requests)"),
        Pattern(#"\b\d+ requests, \d+ failed"#, "N requests, N failed"),
        // Of replicas that do not hold: which of them went first, and whether its end or its silence was seen.
        Pattern(#"\b([a-z]+)-\d+: (?:exit code \d+|cannot connect to \S+: [A-Z][a-z ]+)"#, "$1: ended"),
        Pattern(
            #"none of its replicas is ready any more|its replicas were ready and ended, \d+ in a moment"#
                + #"|its replicas do not stay ready: lost \d+ times"#, "its replicas do not hold"),
        Pattern(#"; it printed:$"#, ""),
        // Gates of the example that do more, or anything at all, where a tool is installed; lines as Python counts them.
        Pattern(#"; install (?:mypy|bandit) .*$"#, ""),
        Pattern(#"\b\d+% of shop\.py's lines"#, "N% of shop.py's lines"),
        Pattern(#"\bgate (redis|image): (?:passed|failed) in TOOK.*$"#, "gate $1"),
        // Columns are as wide as what is in them.
        Pattern(#"  +"#, "  "),
    ]

    /// `07:50:42  shop 2  shifting 1/3  25%  new 1/1, stable 2/2  25%, 4s left  (aloft resume shop)`
    private struct Place {
        var subject: String
        var phase: String
        var step: String
        var weight: String
        var replicas: String
        var message: String

        init?(_ line: String) {
            let pattern =
                #/
                \d\d:\d\d:\d\d \s\s (\S+\s\d+) \s\s
                ((?:paused,\s)? [a-z]+ (?:\s[a-z]+)?)
                (\s\d+\/\d+)? \s\s ([\d.]+%) \s\s (new\s\d+\/\d+(?:,\sstable\s\d+\/\d+)?) (?:\s\s(.*))?
                /#
            guard let match = line.wholeMatch(of: pattern) else { return nil }
            (subject, phase, step) = (String(match.1), String(match.2), match.3.map(String.init) ?? "")
            (weight, replicas, message) = (String(match.4), String(match.5), match.6.map(String.init) ?? "")
        }

        var isEnd: Bool { ["done", "rolled back", "failed", "aborted", "superseded"].contains(phase) }
        var isBeforeTraffic: Bool { ["gates", "migrating", "starting"].contains(phase) }

        func text(isCounted: Bool) -> String {
            return [
                subject, phase + step, isCounted && !isEnd ? "COUNTED" : weight, isEnd ? replicas : "", words,
            ].joined(separator: "  ")
        }

        /// What it says, without what is left of a wait and what is on its way.
        private var words: String {
            let parts = message.components(separatedBy: ", ").filter { part in
                part.wholeMatch(of: #/[0-9hms ]+ left|given up in [0-9hms ]+/#) == nil
                    && part.wholeMatch(of: #/waits for \d+ of \d+ replicas( of stable)? to be ready/#) == nil
                    && part.wholeMatch(of: #/waits for requests: \d+ of \d+/#) == nil
            }
            let isCommand = phase == "gates" || phase == "migrating"
            let said = isCommand ? parts.prefix(step.isEmpty ? 0 : 1) : parts[...]
            return TranscriptShape.text(said.joined(separator: ", "))
        }
    }
}

extension [String] {
    fileprivate func ends(with other: [String]) -> Bool { suffix(other.count) == other[...] }
}
