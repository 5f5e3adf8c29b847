import AloftSystem

extension LaunchPlan {
    /// The replica's own process; its streams are still to be set.
    ///
    /// - Throws: One line that says what to do.
    func launch() throws -> ProcessLaunch {
        if arguments.first?.isEmpty ?? true {
            throw LaunchFailure("`command` is empty: its first element names the program")
        }
        guard Directories.isDirectory(directory) else {
            throw LaunchFailure("there is no directory \(directory); make it, or correct `directory`")
        }
        return try launch(arguments)
    }

    /// A command in the same surroundings; its streams are still to be set.
    func launch(_ command: [String]) throws -> ProcessLaunch {
        guard let program = command.first, !program.isEmpty else {
            throw LaunchFailure("the command is empty: its first element names the program")
        }
        guard Directories.isDirectory(directory) else { throw LaunchFailure("there is no directory \(directory)") }
        try checkOpenFiles()
        var launch = ProcessLaunch(
            executable: try ProgramPath.find(program, directory: directory, path: path), arguments: command,
            environment: environment, directory: directory, standardOutput: -1, standardError: -1)
        launch.openFiles = openFiles
        launch.user = user
        return launch
    }

    /// - Throws: Where more are wanted than this process may pass on.
    private func checkOpenFiles() throws(LaunchFailure) {
        if let given = OpenFiles.given { _ = try limits(given: given) }
    }

    /// Limits of open files, from those that Aloft was started with.
    func limits(given: OpenFiles.Limits) throws(LaunchFailure) -> OpenFiles.Limits {
        guard let wanted = openFiles else { return given }
        guard wanted <= given.hard else {
            throw LaunchFailure(
                "`resources.limits.openFiles: \(wanted)` is above the hard limit of \(given.hard) that Aloft was "
                    + "started with: raise that (`LimitNOFILE=` of a system service, `ulimit -Hn`), or write "
                    + "\(given.hard) at most")
        }
        return OpenFiles.Limits(soft: UInt64(wanted), hard: given.hard)
    }
}
