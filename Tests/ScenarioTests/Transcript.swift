import AloftTestKit
import Foundation

/// A page of `docs` with terminal transcripts that are replayed, and recorded anew by `ALOFT_RECORD=1`.
///
/// A comment, which readers do not see, says in a copy of which folder of the checkout the transcripts up to the next
/// such comment are replayed, and what is typed before:
///
///     <!-- replay examples/rollouts
///     $ aloft up --detach
///     $ python3 traffic.py http://127.0.0.1:8080/shop/ &
///     -->
///
/// Lines of a fence ` ```console ` that begin with `$ ` are typed, the lines below each are its output. A fence
/// ` ```console until "waits for" ` leaves its last command running once a line of its output has those words: what is
/// typed meanwhile comes in fences of its own, and ` ```console goes on ` has the rest of the output. Every `console` fence
/// of the page is replayed: one without a comment before it is an error.
struct TranscriptPage: Sendable {
    /// Path from the checkout's root.
    let path: String
    private(set) var lines: [String]
    private(set) var replays: [Replay] = []

    /// What is typed in one fresh copy of a folder.
    struct Replay: Sendable, CustomStringConvertible {
        var page: String
        /// The headline above it.
        var title: String
        var folder: String
        var setup: [String]
        var fences: [Fence] = []

        var description: String { "\(page), \(title)" }
    }

    struct Fence: Sendable {
        enum Kind: Sendable, Hashable {
            case whole
            case until(String)
            case goesOn
        }

        var kind: Kind
        /// Its lines in the page, without the two of the fence.
        var range: Range<Int>
        var commands: [Command]
    }

    struct Command: Sendable {
        /// As it is typed, without `$ `; empty for the rest of an earlier one.
        var typed: String
        var output: [String]
    }

    /// Reads a page of the checkout.
    init(_ path: String) throws {
        try self.init(path: path, text: String(contentsOfFile: Checkout.root + "/" + path, encoding: .utf8))
    }

    init(path: String, text: String) throws {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var title = ""
        var line = 0
        while line < lines.count {
            if lines[line].hasPrefix("#") { title = String(lines[line].drop { $0 == "#" || $0 == " " }) }
            if lines[line].hasPrefix("<!-- replay ") {
                line = try readComment(at: line, title)
            } else if lines[line].hasPrefix("```console") {
                line = try readFence(at: line)
            } else if lines[line].hasPrefix("```") {
                line = try end(ofFence: line)
            }
            line += 1
        }
    }

    private mutating func readComment(at start: Int, _ title: String) throws -> Int {
        var replay = Replay(
            page: path, title: title, folder: String(lines[start].dropFirst("<!-- replay ".count)), setup: [])
        var line = start + 1
        while line < lines.count, lines[line] != "-->" {
            guard lines[line].hasPrefix("$ ") else { throw mistake(line, "`$ ` and what is typed, or `-->`") }
            replay.setup.append(String(lines[line].dropFirst(2)))
            line += 1
        }
        guard line < lines.count else { throw mistake(start, "a comment that ends with a line `-->`") }
        guard !replays.contains(where: { $0.title == title }) else { throw mistake(start, "a headline of its own") }
        replays.append(replay)
        return line
    }

    private mutating func readFence(at start: Int) throws -> Int {
        guard !replays.isEmpty else { throw mistake(start, "a comment `<!-- replay FOLDER` before it") }
        let last = try end(ofFence: start)
        var fence = Fence(kind: try kind(at: start), range: start + 1..<last, commands: [])
        if fence.kind == .goesOn { fence.commands = [Command(typed: "", output: [])] }
        for line in fence.range {
            if lines[line].hasPrefix("$ ") {
                guard fence.kind != .goesOn else { throw mistake(line, "output alone") }
                fence.commands.append(Command(typed: String(lines[line].dropFirst(2)), output: []))
            } else {
                guard !fence.commands.isEmpty else { throw mistake(line, "a line that begins with `$ `") }
                fence.commands[fence.commands.count - 1].output.append(lines[line])
            }
        }
        guard !fence.commands.isEmpty else { throw mistake(start, "something that is typed") }
        replays[replays.count - 1].fences.append(fence)
        return last
    }

    private func kind(at line: Int) throws -> Fence.Kind {
        let words = lines[line].dropFirst("```console".count).trimmingCharacters(in: .whitespaces)
        if words.isEmpty { return .whole }
        if words == "goes on" { return .goesOn }
        guard let match = words.wholeMatch(of: #/until "(.+)"/#) else {
            throw mistake(line, "`console`, `console until \"…\"` or `console goes on`")
        }
        return .until(String(match.1))
    }

    private func end(ofFence start: Int) throws -> Int {
        guard let end = lines[(start + 1)...].firstIndex(of: "```") else {
            throw mistake(start, "the end of this fence")
        }
        return end
    }

    private func mistake(_ line: Int, _ wanted: String) -> KitError {
        .malformed("\(path):\(line + 1): expected \(wanted)")
    }

    /// The page with what was printed in the place of the outputs of one replay.
    ///
    /// - Parameter outputs: of each command of each fence, in their order.
    func recorded(_ replay: Replay, _ outputs: [[[String]]]) -> String {
        var lines = lines
        for (fence, outputs) in zip(replay.fences, outputs).reversed() {
            let text = zip(fence.commands, outputs).flatMap { command, output in
                (command.typed.isEmpty ? [] : ["$ " + command.typed]) + output
            }
            lines.replaceSubrange(fence.range, with: text)
        }
        return lines.joined(separator: "\n")
    }
}
