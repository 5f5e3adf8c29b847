import ArgumentParser

/// `--file`, of the commands that are about the file itself; its name alone will do, too.
struct NamedFile: ParsableArguments {
    @Option(
        name: .long, help: ArgumentHelp("The file; default: aloft.yaml here or in a folder above.", valueName: "FILE"))
    var file: String?

    @Argument(help: .hidden)
    var name: String?

    /// What was named, in either way.
    var given: String? { file ?? name }

    func validate() throws {
        if file != nil, name != nil { throw ValidationError("two files are named; give one of them") }
    }
}
