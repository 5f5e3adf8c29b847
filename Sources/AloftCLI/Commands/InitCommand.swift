import AloftLanguage
import ArgumentParser
import Foundation

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Look at a folder and write an aloft.yaml for it, each line explained.",
        discussion: """
            Example: aloft init
                     aloft init path/to/app --print

            A file that is there is never overwritten.
            """)

    @Argument(help: ArgumentHelp("Default: this folder.", valueName: "folder"))
    var folder: String?

    @Flag(name: .customLong("print"), help: "Print the file instead of writing it.")
    var isPrinted = false

    @OptionGroup var output: OutputChoice

    func run() throws {
        let given = folder ?? FileChoice.currentDirectory
        let directory = given.hasPrefix("/") ? given : "\(FileChoice.currentDirectory)/\(given)"
        let proposal = Language.propose(try FolderReader.read(directory))
        let path = URL(fileURLWithPath: "\(directory)/\(FileChoice.standardName)").standardizedFileURL.path
        if !isPrinted { try write(proposal.file, to: path) }
        let terminal = Terminal.standard
        if output.json {
            return try terminal.say(
                json: Report(
                    kind: proposal.kind, reasons: proposal.reasons, notes: proposal.notes, file: proposal.file,
                    written: isPrinted ? nil : path))
        }
        if isPrinted {
            terminal.say(proposal.file)
        } else {
            terminal.say(ProposalText(palette: terminal.palette).render(proposal, path: path))
        }
    }

    /// Fails where something of that name exists, whatever it is.
    private func write(_ text: String, to path: String) throws {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: [.withoutOverwriting])
        } catch let error as CocoaError where error.code == .fileWriteFileExists {
            throw CommandFailure(
                "\(path) is there already", hint: "`aloft init --print` shows the proposal without writing it",
                code: "fileExists")
        } catch {
            throw CommandFailure("\(path) cannot be written: \(error.localizedDescription)", code: "cannotWrite")
        }
    }

    private struct Report: Encodable {
        var kind: String
        var reasons: [String]
        var notes: [String]
        var file: String
        var written: String?
    }
}
