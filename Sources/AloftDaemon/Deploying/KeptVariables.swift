import AloftModel
import AloftSystem
import Crypto
import Foundation
import Glibc

/// What `envFiles` held when each release was made, so that a rollback brings it back though the files have changed.
///
/// One file for each set of values, mode 0600, in a folder of mode 0700: the only place of the state directory where
/// they are. A set is named by an HMAC under a random key that lies beside it, so that no name in the journal, in an
/// event or in `history` helps to guess a value.
struct KeptVariables: Sendable {
    /// What was kept less than so long ago is not removed, since its release may not be written yet.
    static let grace = Duration.seconds(3600)
    private static let keyLength = 32
    /// A set is at most `EnvironmentFiles.mostBytes`, which JSON makes six times as long at worst.
    private static let longest = 4 << 20

    /// `releases/env` of the state directory; made when it is first needed.
    let folder: String

    /// The plan with a fingerprint wherever a service has variables of files: two are the same where their values are.
    func marked(_ running: Running) throws -> Running {
        guard running.plan.services.contains(where: { !$0.fileVariables.files.isEmpty }) else { return running }
        let key = try key()
        var plan = running.plan
        for index in plan.services.indices where !plan.services[index].fileVariables.files.isEmpty {
            plan.services[index].fileVariables.fingerprint = try fingerprint(plan.services[index].fileVariables, key)
        }
        return Running(plan: plan, text: running.text)
    }

    /// Durable once it returns.
    func keep(_ variables: FileVariables) throws -> FileVariables {
        guard !variables.files.isEmpty else { return variables }
        var variables = variables
        variables.fingerprint = try fingerprint(variables, try key())
        let path = path(of: variables.fingerprint)
        if utimensat(AT_FDCWD, path, nil, 0) == 0 { return variables }
        do throws(SystemError) {
            try AtomicFile.write(try Self.encode(variables), to: path, mode: 0o600)
        } catch {
            throw Failure("what `envFiles` hold cannot be kept for the release: \(error)")
        }
        return variables
    }

    /// The values of a release.
    func variables(_ fingerprint: String) throws -> FileVariables {
        do {
            let bytes = try Descriptor(opening: path(of: fingerprint), O_RDONLY).read(upTo: Self.longest)
            let pairs = try JSONDecoder().decode([Pair].self, from: Data(bytes))
            let variables = pairs.map { FileVariables.Variable(name: $0.name, value: Secret($0.value)) }
            return FileVariables(files: [.init(path: folder, variables: variables)], fingerprint: fingerprint)
        } catch let error as SystemError {
            throw Failure("the values of its `envFiles` are not in the state directory any more: \(error)")
        } catch {
            // The decoder's own words may hold a part of the text.
            throw Failure("the values of its `envFiles` can't be read any more: the file \(fingerprint) is damaged")
        }
    }

    /// Removes the sets that no release names.
    ///
    /// - Returns: How many.
    func remove(except named: Set<String>, now wall: Timestamp) throws -> Int {
        guard Directories.isDirectory(folder) else { return 0 }
        var removed = 0
        for name in try Directories.names(in: folder) where name.hasSuffix(".json") {
            guard !named.contains(String(name.dropLast(5))) else { continue }
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0 else { continue }
            let touched = Timestamp(nanoseconds: Int64(status.st_mtim.tv_sec) * 1_000_000_000)
            guard wall - touched > Self.grace else { continue }
            try Directories.remove("\(folder)/\(name)")
            removed += 1
        }
        return removed
    }

    struct Failure: Error, Sendable, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }

    private struct Pair: Codable {
        var name: String
        var value: String
    }

    private func path(of fingerprint: String) -> String { "\(folder)/\(fingerprint).json" }

    /// By name, so that the order of lines makes no other release.
    private static func encode(_ variables: FileVariables) throws(SystemError) -> [UInt8] {
        let pairs = variables.variables.sorted { $0.name < $1.name }
            .map { Pair(name: $0.name, value: $0.value.revealed) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(pairs))
        } catch {
            throw SystemError("encode", code: EINVAL)
        }
    }

    private func fingerprint(_ variables: FileVariables, _ key: SymmetricKey) throws -> String {
        HMAC<SHA256>.authenticationCode(for: try Self.encode(variables), using: key).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count < 2 ? "0" + digits : digits
        }.joined()
    }

    /// Made at random when it is first needed; the daemon's lock keeps others away.
    private func key() throws -> SymmetricKey {
        let path = "\(folder)/key"
        do throws(SystemError) {
            try Directories.make(folder, mode: 0o700)
            do throws(SystemError) {
                let bytes = try Descriptor(opening: path, O_RDONLY).read(upTo: Self.keyLength + 1)
                if bytes.count == Self.keyLength { return SymmetricKey(data: bytes) }
            } catch {
                guard error.isAbsence else { throw error }
            }
            let bytes = (0..<Self.keyLength).map { _ in UInt8.random(in: 0 ... .max) }
            try AtomicFile.write(bytes, to: path, mode: 0o600)
            return SymmetricKey(data: bytes)
        } catch {
            throw Failure("the key of \(folder) cannot be used: \(error)")
        }
    }
}
