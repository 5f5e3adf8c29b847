/// Where things are in the state directory.
package struct StatePaths: Sendable, Hashable {
    /// Absolute.
    package let directory: String

    package init(directory: String) { self.directory = directory }

    /// `$ALOFT_STATE`; else `.aloft` beside the file, or `.aloft-staging` for the environment `staging` of it, so that
    /// several environments of one file can run on one machine.
    package static func of(
        file: String, environmentName: String? = nil, environment: [String: String], workingDirectory: String
    ) -> StatePaths {
        if let given = environment["ALOFT_STATE"], !given.isEmpty {
            return StatePaths(directory: given.hasPrefix("/") ? given : "\(workingDirectory)/\(given)")
        }
        let folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? ""
        return StatePaths(directory: "\(folder)/.aloft\(environmentName.map { "-\($0)" } ?? "")")
    }

    package var journal: String { "\(directory)/journal.sqlite" }
    package var controlSocket: String { "\(directory)/control.sock" }
    package var lock: String { "\(directory)/daemon.lock" }
    /// Both outputs of a detached daemon: warnings, and what a crash leaves.
    package var daemonLog: String { "\(directory)/daemon.log" }
    package var logs: String { "\(directory)/logs" }
    package var certificates: String { "\(directory)/certificates" }
    /// Artifacts and files of releases, by their digests.
    package var releases: String { "\(directory)/releases" }
    /// What is known of the files of folders whose code runs in place.
    package var folders: String { "\(directory)/folders" }
    /// What `envFiles` held for each release, mode 0600, in a folder of mode 0700.
    package var variables: String { "\(releases)/env" }
}
