import AloftLanguage
import ArgumentParser

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of the file, for editors and checks.",
        discussion: """
            Example: aloft schema > aloft.schema.json
                     # first line of aloft.yaml, for editors with the YAML language server:
                     # yaml-language-server: $schema=./aloft.schema.json
            """)

    @OptionGroup var output: OutputChoice

    /// The schema is JSON with or without `--json`.
    func run() throws { Terminal.standard.say(Language.jsonSchema()) }
}
