import AloftLanguage
import ArgumentParser

/// Wrong usage in the words of every other failure: what is wrong, and what to type instead.
enum UsageMistake {
    /// - Parameter error: what ArgumentParser threw.
    static func failure(_ error: any Error, _ arguments: [String]) -> CommandFailure {
        let (command, unknown) = walk(arguments)
        if let unknown {
            let near = Nearest.words(to: unknown, among: names(below: command.last), limit: 2)
            let path = words(command)
            return CommandFailure(
                "there is no command `\(path) \(Palette.printable(unknown))`",
                hint: near.isEmpty
                    ? "`\(path) --help` lists them"
                    : "did you mean " + near.map { "`\(path) \($0)`" }.joined(separator: " or ") + "?",
                code: "usage", exitCode: .misuse)
        }
        return CommandFailure(
            sentence(AloftCommand.message(for: error)), hint: "`\(words(command)) --help` says what it takes",
            code: "usage", exitCode: .misuse)
    }

    /// The commands that were named, and a word that is none.
    private static func walk(_ arguments: [String]) -> (commands: [any ParsableCommand.Type], unknown: String?) {
        var commands: [any ParsableCommand.Type] = [AloftCommand.self]
        for word in arguments.prefix(while: { $0 != "--" }) where !word.hasPrefix("-") {
            guard let last = commands.last, !last.configuration.subcommands.isEmpty else { break }
            guard let next = last.configuration.subcommands.first(where: { $0.configuration.commandName == word })
            else { return (commands, word == "help" ? nil : word) }
            commands.append(next)
        }
        return (commands, nil)
    }

    private static func names(below command: (any ParsableCommand.Type)?) -> [String] {
        (command?.configuration.subcommands ?? []).compactMap { $0.configuration.commandName }
    }

    private static func words(_ commands: [any ParsableCommand.Type]) -> String {
        commands.compactMap { $0.configuration.commandName }.joined(separator: " ")
    }

    /// ArgumentParser's sentence without its first capital, as all of ours are.
    private static func sentence(_ text: String) -> String {
        let line = text.hasPrefix("Error: ") ? String(text.dropFirst("Error: ".count)) : text
        guard let first = line.first, first.isUppercase, line.dropFirst().first?.isLowercase ?? false else {
            return line.isEmpty ? "something is missing" : Palette.printable(line, keepingLineBreaks: true)
        }
        return Palette.printable(first.lowercased() + line.dropFirst(), keepingLineBreaks: true)
    }
}
