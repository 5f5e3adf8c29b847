import AloftLanguage
import ArgumentParser

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say what a key of the file means, its type, default, limits and effect.",
        discussion: """
            Example: aloft explain probes.readiness.period
                     aloft explain edge.limits
            """)

    @Argument(help: "A path of keys, or the end of one.")
    var key: String

    @OptionGroup var output: OutputChoice

    func run() throws {
        let terminal = Terminal.standard
        switch Language.explain(key) {
        case .key(let explanation):
            if output.json { return try terminal.say(json: explanation) }
            terminal.say(ExplanationText(palette: terminal.palette).render(explanation))
        case .future(let words):
            if output.json { return try terminal.say(json: ["notYet": words]) }
            terminal.say(ExplanationText(palette: terminal.palette).render(words))
        case .unknown(let message, let suggestions):
            let hint = suggestions.isEmpty ? nil : "nearest: " + suggestions.joined(separator: ", ")
            throw CommandFailure(message, hint: hint, code: "unknownKey", exitCode: .misuse)
        }
    }
}
