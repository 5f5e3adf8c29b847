import CAloftSystem
import Glibc

/// A lock that ends with the process that holds it, however it ends; its file tells others who that is.
///
/// The file stays when the lock is given back: removing it would let two processes lock two files of one name.
package final class LockFile: Sendable {
    package enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        /// Another process has it; its pid where the file tells.
        case held(path: String, by: Int32?)
        case system(SystemError)

        package var description: String {
            switch self {
            case .held(let path, let pid?): "\(path) is held by process \(pid)"
            case .held(let path, nil): "\(path) is held by another process"
            case .system(let error): error.description
            }
        }
    }

    private let file: Descriptor

    /// Takes the lock or throws at once; it is given back when this value goes away.
    package init(_ path: String) throws(Failure) {
        do throws(SystemError) {
            file = try Descriptor(opening: path, O_RDWR | O_CREAT, mode: 0o600)
        } catch {
            throw .system(error)
        }
        guard retrying({ flock(file.number, LOCK_EX | LOCK_NB) }) == 0 else {
            let code = errno
            guard code == EWOULDBLOCK else { throw .system(SystemError("lock", path, code: code)) }
            throw .held(path: path, by: Self.holder(of: path))
        }
        do throws(SystemError) {
            if ftruncate(file.number, 0) != 0 { throw SystemError("write", path) }
            try file.write("\(getpid())\n".utf8)
        } catch {
            throw .system(error)
        }
    }

    /// Given back by name: a process that is being made at this moment has a copy of the descriptor until it runs its
    /// program, and closing ours alone would leave the lock with it.
    deinit { flock(file.number, LOCK_UN) }

    /// The pid in the file; a number there does not say that it still holds the lock.
    package static func holder(of path: String) -> Int32? {
        guard let text = try? readText(path, limit: 32) else { return nil }
        return Int32(text.prefix { $0.isNumber })
    }
}
