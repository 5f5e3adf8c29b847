import Foundation

/// What the machine offers, for tests that must say why they cannot run on it.
package enum Machine {
    package static var isRoot: Bool { geteuid() == 0 }

    /// Largest number of open files this process may have.
    package static var openFileLimit: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        return Int(clamping: limit.rlim_cur)
    }

    /// True where a program of this name is in PATH or in the system's folders.
    package static func has(program: String) -> Bool {
        let folders = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return (folders + ":/usr/bin:/bin:/usr/sbin:/sbin").split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
        }
    }

    /// A TCP port on 127.0.0.1 that nothing listens on now.
    ///
    /// Somebody else can take it before the test does; a file with port 0 and the addresses `status` reports is safer.
    package static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw KitError.system("socket", errno) }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 ? getsockname(descriptor, generic, &length) : -1
            }
        }
        guard result == 0 else { throw KitError.system("bind", errno) }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

/// Where this checkout is, and what `make test` put beside it.
package enum Checkout {
    /// Absolute path of the folder with Package.swift, symbolic links resolved.
    package static let root: String = {
        let here = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        return here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    }()

    /// The binary under test: `$ALOFT_BINARY`, or the one built beside the tests.
    package static let aloft: String = {
        if let given = ProcessInfo.processInfo.environment["ALOFT_BINARY"] { return given }
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return own.deletingLastPathComponent().appendingPathComponent("aloft").path
    }()

    /// True where the binary under test is an optimised one, which times are stated for.
    package static let isReleaseBinary = aloft.contains("/release/")

    /// Folder of the Python environment with the pinned packages of `scripts/requirements.txt`.
    package static let venv = ProcessInfo.processInfo.environment["ALOFT_TEST_VENV"] ?? root + "/.venv"

    package static let python = venv + "/bin/python"

    /// Throws with what to do where the tests' surroundings were not set up.
    package static func require(_ path: String) throws {
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw KitError.missing("\(path) is not there; `make test` sets it up")
        }
    }
}
