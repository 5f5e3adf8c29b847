import AloftLanguage
import ArgumentParser

struct ReferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference",
        abstract: "Print the reference of the file's language as Markdown.",
        discussion: "Example: aloft reference > docs/reference/language.md")

    @OptionGroup var output: OutputChoice

    func run() throws {
        let page = Language.reference()
        if output.json { return try Terminal.standard.say(json: ["markdown": page]) }
        Terminal.standard.say(page)
    }
}
