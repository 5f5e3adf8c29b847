import AloftLanguage
import ArgumentParser

struct ReferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference",
        abstract: "Print the reference of the file's language as Markdown.",
        discussion: """
            Example: aloft reference > docs/reference/language.md
                     aloft reference --not-yet > docs/not-yet.md
            """)

    @Flag(name: .long, help: "The words that are reserved and not read yet, with what to do meanwhile.")
    var notYet = false

    @OptionGroup var output: OutputChoice

    func run() throws {
        let page = notYet ? Language.notYet() : Language.reference()
        if output.json { return try Terminal.standard.say(json: ["markdown": page]) }
        Terminal.standard.say(page)
    }
}
