import Foundation
import Synchronization

/// What one test made: folders, processes, mounts. All of it is undone when the test ends, last made first.
///
/// A test that stops its daemon before the folder is removed needs no order of its own: the folder was made first.
package final class Fixture: Sendable {
    private struct Undo: Sendable {
        let what: String
        let action: @Sendable () async throws -> Void
    }

    private let undo = Mutex<[Undo]>([])

    fileprivate init() {}

    /// Adds something to undo when the test ends, whether it passed or not.
    package func atEnd(_ what: String, _ action: @escaping @Sendable () async throws -> Void) {
        undo.withLock { $0.append(Undo(what: what, action: action)) }
    }

    /// A fresh folder below the system's temporary one, short enough for the paths of Unix sockets (108 bytes).
    package func directory() throws -> String {
        var template = Array("/tmp/aloft-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw KitError.system("mkdtemp", errno) }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        atEnd("remove \(path)") { try FileManager.default.removeItem(atPath: path) }
        return path
    }

    fileprivate func undoAll() async -> [String] {
        var failures: [String] = []
        while let last = undo.withLock({ $0.popLast() }) {
            do {
                try await last.action()
            } catch {
                failures.append("\(last.what): \(error)")
            }
        }
        return failures
    }
}

/// Runs a test's body with a fixture and undoes what it made, also when it throws.
package func withFixture<Result: Sendable>(
    _ body: @Sendable (Fixture) async throws -> Result
) async throws -> Result {
    let fixture = Fixture()
    let outcome: Swift.Result<Result, any Error>
    do {
        outcome = .success(try await body(fixture))
    } catch {
        outcome = .failure(error)
    }
    let failures = await fixture.undoAll()
    switch outcome {
    case .success(let value):
        guard failures.isEmpty else { throw KitError.cleanup(failures) }
        return value
    case .failure(let error):
        guard failures.isEmpty else { throw KitError.cleanup(["\(error)"] + failures) }
        throw error
    }
}

/// What goes wrong in a test's surroundings, as opposed to in what it tests.
package enum KitError: Error, CustomStringConvertible {
    case system(String, Int32)
    case deadline(String)
    case cleanup([String])
    case malformed(String)
    case missing(String)

    package var description: String {
        switch self {
        case .system(let call, let code): "\(call): \(String(cString: strerror(code)))"
        case .deadline(let what): "not in time: \(what)"
        case .cleanup(let failures): "clean-up failed: \(failures.joined(separator: "; "))"
        case .malformed(let what): "malformed: \(what)"
        case .missing(let what): what
        }
    }
}
