import AloftLanguage
import ArgumentParser

/// Wrong usage in the words of every other failure: what is wrong, and what to type instead.
enum UsageMistake {
    /// - Parameter error: what ArgumentParser threw.
    static func failure(_ error: any Error, _ arguments: [String]) -> CommandFailure {
        let (command, unknown) = walk(arguments)
        if let unknown {
            let known = names(below: command.last)
            let usual = elsewhere[unknown].flatMap { known.contains($0) ? [$0] : nil }
            let near = usual ?? Nearest.words(to: unknown, among: known, limit: 2)
            let path = words(command)
            return CommandFailure(
                "there is no command `\(path) \(Palette.printable(unknown))`",
                hint: near.isEmpty
                    ? "`\(path) --help` lists them"
                    : "did you mean " + near.map { "`\(path) \($0)`" }.joined(separator: " or ") + "?",
                code: "usage", exitCode: .misuse)
        }
        let sentence = sentence(AloftCommand.message(for: error))
        let takesProgram = command.last == RunCommand.self || command.last == ExecCommand.self
        let program =
            takesProgram && sentence.contains("unexpected argument") && !arguments.contains("--")
            ? "a program to run follows `--`: `\(words(command)) web -- ls`; " : ""
        return CommandFailure(
            sentence, hint: program + "`\(words(command)) --help` says what it takes", code: "usage",
            exitCode: .misuse)
    }

    /// Swift's arguments have U+FFFD for what is not UTF-8: passed on, it would be another value than the one that was typed.
    static func unreadable() -> CommandFailure? {
        for index in 1..<max(1, Int(CommandLine.argc)) {
            guard let bytes = CommandLine.unsafeArgv[index], String(validatingCString: bytes) == nil else { continue }
            return CommandFailure(
                "argument \(index) is not UTF-8 text: \(Palette.printable(String(cString: bytes)))",
                hint: "write it in UTF-8; a value that is none cannot be a variable here", code: "usage",
                exitCode: .misuse)
        }
        return nil
    }

    /// What other tools call a command.
    private static let elsewhere = [
        "start": "up", "run-all": "up", "serve": "up", "stop": "down", "shutdown": "down", "validate": "check",
        "verify": "check", "test": "check", "lint": "check", "ps": "status", "ls": "status", "list": "status",
        "diff": "plan", "undo": "rollback", "ship": "deploy", "release": "deploy", "apply": "reload",
        "console": "exec", "ssh": "exec", "shell": "exec",
    ]

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
