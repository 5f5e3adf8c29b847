import CAloftSystem
import Dispatch
import Glibc

/// All that is decided about a process before it is made.
package struct ProcessLaunch: Sendable {
    /// Absolute path of the program; `ProgramPath` finds it.
    package var executable: String
    /// `argv`, the program's name first.
    package var arguments: [String]
    /// `NAME=value`; nothing is inherited.
    package var environment: [String]
    package var directory: String
    package var standardOutput: Int32
    package var standardError: Int32
    /// `cgroup.procs` files to which the process writes itself before the program runs, so that nothing escapes.
    package var cgroupProcsFiles: [String] = []
    package var limits: [ResourceLimit] = []
    /// Whose rights the process has; nil: this process's own.
    package var user: UserIdentity?
    /// Soft limit of open files, at most `OpenFiles.given.hard`; nil is what this process itself was started with.
    package var openFiles: Int?

    package struct ResourceLimit: Sendable, Hashable {
        /// `RLIMIT_…`
        package var resource: Int32
        package var soft: UInt64
        package var hard: UInt64

        /// Private writable memory of one process (setrlimit(2), RLIMIT_DATA).
        package static func data(_ bytes: Int) -> ResourceLimit {
            ResourceLimit(resource: Int32(RLIMIT_DATA.rawValue), soft: UInt64(bytes), hard: UInt64(bytes))
        }

        /// Open files of one process (setrlimit(2), RLIMIT_NOFILE).
        static func openFiles(soft: UInt64, hard: UInt64) -> ResourceLimit {
            ResourceLimit(resource: Int32(RLIMIT_NOFILE.rawValue), soft: soft, hard: hard)
        }
    }

    package struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
        package enum Stage: String, Sendable, Hashable {
            case pipe = "make a pipe"
            case fork = "make a process"
            case group = "make a process group"
            case cgroup = "enter the cgroup"
            case streams = "set up its standard streams"
            case limit = "set a resource limit"
            case directory = "enter the directory"
            case exec = "run"
            case user = "take on the rights of"
            case identify = "look up the process just made"
        }

        package var stage: Stage
        /// `errno`.
        package var code: Int32
        /// The file, folder or cgroup it is about, where there is one.
        package var subject: String?
        /// Whom the process was to run as, where that is somebody else.
        package var user: String?

        package var description: String {
            let said = SystemError(stage.rawValue, subject.map { "`\($0)`" }, code: code).description
            guard let user, code == EACCES, stage == .directory || stage == .exec else { return said }
            return said
                + ": the user \(user) may not; let it through each folder of that path (`chmod o+x`), or move it"
        }
    }

    package init(
        executable: String, arguments: [String], environment: [String], directory: String, standardOutput: Int32,
        standardError: Int32
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.standardOutput = standardOutput
        self.standardError = standardError
    }

    /// Makes the process, in a group of its own, and returns once the program runs in it.
    ///
    /// Waits on a thread of its own queue, since entering a cgroup may take tens of milliseconds.
    package func run() async throws(Failure) -> ProcessIdentity {
        let result: Result<ProcessIdentity, Failure> = await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: self.runBlocking()) }
        }
        return try result.get()
    }

    private static let queue = DispatchQueue(label: "aloft.launch", attributes: .concurrent)

    private func runBlocking() -> Result<ProcessIdentity, Failure> {
        let launched = withCStrings(arguments) { arguments in
            withCStrings(environment) { environment in
                withCStrings(cgroupProcsFiles) { files in
                    launch(arguments: arguments, environment: environment, cgroups: files)
                }
            }
        }
        guard launched.pid > 0 else { return .failure(failure(launched)) }
        do throws(SystemError) {
            return .success(try ProcessIdentity(ofChild: launched.pid))
        } catch {
            // Without its start time the process could not be told from a later one of its number: it does not live.
            Children.end(launched.pid)
            return .failure(Failure(stage: .identify, code: error.code, subject: error.subject))
        }
    }

    private func launch(
        arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
        environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
        cgroups: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> aloft_launched {
        let limits = allLimits.map { aloft_limit(resource: $0.resource, soft: $0.soft, hard: $0.hard) }
        return executable.withCString { executable in
            directory.withCString { directory in
                limits.withUnsafeBufferPointer { limits in
                    var order = aloft_launch()
                    order.executable = executable
                    order.arguments = UnsafePointer(arguments)
                    order.environment = UnsafePointer(environment)
                    order.directory = directory
                    order.standard_output = standardOutput
                    order.standard_error = standardError
                    order.cgroup_procs = UnsafeRawPointer(cgroups).assumingMemoryBound(to: UnsafePointer<CChar>?.self)
                    order.limits = limits.baseAddress
                    order.limit_count = limits.count
                    return launch(&order)
                }
            }
        }
    }

    private func launch(_ order: inout aloft_launch) -> aloft_launched {
        UserRights.pointer(to: user?.rights) { rights in
            order.user = rights
            return Self.start(&order)
        }
    }

    private static func start(_ order: inout aloft_launch) -> aloft_launched {
        let forked = Children.making { aloft_launch_fork(&order) }
        let launched = aloft_launch_await(forked)
        if launched.pid <= 0, forked.pid > 0 { Children.release(forked.pid) }
        return launched
    }

    /// With that of open files, which this process may have raised for itself.
    private var allLimits: [ResourceLimit] {
        guard let given = OpenFiles.given else { return limits }
        return limits + [.openFiles(soft: openFiles.map { UInt64($0) } ?? given.soft, hard: given.hard)]
    }

    private func failure(_ launched: aloft_launched) -> Failure {
        let stage: Failure.Stage =
            switch UInt32(launched.stage) {
            case ALOFT_STAGE_PIPE.rawValue: .pipe
            case ALOFT_STAGE_FORK.rawValue: .fork
            case ALOFT_STAGE_GROUP.rawValue: .group
            case ALOFT_STAGE_CGROUP.rawValue: .cgroup
            case ALOFT_STAGE_STREAMS.rawValue: .streams
            case ALOFT_STAGE_LIMIT.rawValue: .limit
            case ALOFT_STAGE_DIRECTORY.rawValue: .directory
            case ALOFT_STAGE_USER.rawValue: .user
            default: .exec
            }
        let subject: String? =
            switch stage {
            case .cgroup: cgroupProcsFiles[Int(launched.index)]
            case .directory: directory
            case .exec: executable
            case .user: user?.name
            case .pipe, .fork, .group, .streams, .limit, .identify: nil
            }
        return Failure(stage: stage, code: launched.code, subject: subject, user: user?.name)
    }
}

/// Gives the strings as a C array that ends with NULL, for the time of the call.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
}

extension ProcessLaunch {
    /// Makes the process and begins to watch it; where it can't be watched it is killed, never left alone.
    package func runWatched() async throws -> ProcessWatch {
        let identity = try await run()
        do {
            let watch = try ProcessWatch(identity)
            Children.release(identity.pid)
            return watch
        } catch {
            Children.end(identity.pid)
            throw error
        }
    }
}
