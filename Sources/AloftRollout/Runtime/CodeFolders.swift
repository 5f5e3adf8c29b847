import AloftModel
import AloftSystem
import Dispatch
import Glibc

/// Where the code of a service lies that runs it in place, and what of it counts.
package struct CodePlace: Sendable, Hashable {
    package var service: String
    /// Absolute; links are followed.
    package var folder: String
    /// `services.*.ignore`.
    package var ignore: [String]
    /// Files of the folder that count whatever the rules say, from the folder: the program that the command names.
    package var named: [String]

    package init(service: String, folder: String, ignore: [String] = [], named: [String] = []) {
        self.service = service
        self.folder = folder
        self.ignore = ignore
        self.named = named
    }
}

/// What of a folder is other than it was.
package struct FolderChanges: Sendable, Hashable, CustomStringConvertible {
    /// The first few files, from the folder.
    package var names: [String]
    /// Of all that changed; 0 where files were only removed.
    package var count: Int

    package init(names: [String], count: Int) {
        self.names = names
        self.count = count
    }

    package var description: String {
        guard let last = names.last else { return "files were removed" }
        let more = count - names.count
        if more > 0 { return "\(names.joined(separator: ", ")) and \(more) more changed" }
        let first = names.dropLast()
        return (first.isEmpty ? last : "\(first.joined(separator: ", ")) and \(last)") + " changed"
    }
}

/// Looks at folders whose code releases run in place; one at a time, and off the threads of tasks.
package struct CodeFolders: Sendable {
    /// Changed files that are named.
    static let mostNamed = 3

    private let indexes: String
    private let leftOut: [String]
    private let queue = DispatchQueue(label: "aloft.folders")

    /// - Parameters:
    ///   - indexes: A folder for what is known of files, so that an unchanged one is not read again; made when needed.
    ///   - leftOut: Absolute paths that are no code: the daemon's file and its state directory.
    package init(indexes: String, leftOut: [String]) {
        self.indexes = indexes
        self.leftOut = leftOut
    }

    /// The code as it is now.
    package func record(_ place: CodePlace) async throws(ArtifactError) -> FolderRecord {
        try await onQueue { () throws(ArtifactError) in
            guard let folder = Directories.resolved(place.folder) else { throw .notAFolder(place.folder) }
            let file = "\(indexes)/\(place.service).index"
            let old = FolderIndex(reading: file)
            var index = old
            let sum = try digest(place, folder).take(&index, now: SystemTime().wallNanoseconds)
            if sum.read > 0 || index.entries.count != old.entries.count {
                try refusing(file) { () throws(SystemError) in try index.write(to: file) }
            }
            return FolderRecord(path: folder, digest: sum.digest)
        }
    }

    /// Which files changed since then.
    package func changes(_ place: CodePlace, since: Timestamp) async throws(ArtifactError) -> FolderChanges {
        try await onQueue { () throws(ArtifactError) in
            let found = try digest(place, place.folder).changes(since: since.nanoseconds, most: Self.mostNamed)
            return FolderChanges(names: found.names, count: found.count)
        }
    }

    /// Removes what is known of folders of other services.
    package func forget(allBut services: Set<String>) async throws(ArtifactError) {
        try await onQueue { () throws(ArtifactError) in
            guard Directories.isDirectory(indexes) else { return }
            do throws(SystemError) {
                for name in try Directories.names(in: indexes)
                where !services.contains(where: { name == "\($0).index" }) {
                    try Directories.remove("\(indexes)/\(name)")
                }
            } catch {
                throw .system("\(error)")
            }
        }
    }

    private func digest(_ place: CodePlace, _ folder: String) -> FolderDigest {
        FolderDigest(folder: folder, rules: FolderDigest.rules(place.ignore), leftOut: leftOut, always: place.named)
    }

    private func onQueue<Value: Sendable>(
        _ body: @escaping @Sendable () throws(ArtifactError) -> Value
    ) async throws(ArtifactError) -> Value {
        try await performing(on: queue, body)
    }
}

/// Runs what waits for disks.
func performing<Value: Sendable>(
    on queue: DispatchQueue, _ body: @escaping @Sendable () throws(ArtifactError) -> Value
) async throws(ArtifactError) -> Value {
    let result: Result<Value, ArtifactError> = await withCheckedContinuation { continuation in
        queue.async {
            do throws(ArtifactError) {
                continuation.resume(returning: .success(try body()))
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
    }
    return try result.get()
}
