import AloftModel
import AloftSystem
import Glibc
import Logging
import Synchronization

/// Runs replicas as processes of this machine, in cgroups where they can be written.
package final class ProcessDriver: Driver {
    private struct State {
        var tree: CgroupTree?
        /// Ports given out, the process may not listen yet.
        var ports: [ReplicaID: Int] = [:]
        /// Folders that could not be removed when they should have been, for want of descriptors: tried again.
        var unremoved: Set<String> = []
    }

    /// More than these are left to the next daemon.
    private static let mostUnremoved = 1000

    private let configuration: ComputeConfiguration
    private let logger: Logger
    private let state = Mutex(State())

    package init(_ configuration: ComputeConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    private var runFolder: String { "\(configuration.stateDirectory)/run" }

    // MARK: beginning

    package func prepare(known: [AdoptionRecord]) async throws(ComputeStartError) -> [Leftover] {
        do throws(SystemError) {
            try Directories.make(runFolder, mode: 0o700)
        } catch {
            throw .system(error)
        }
        let tree = discoverTree()
        state.withLock { $0.tree = tree }
        do {
            if let tree { try await removeStrayCgroups(tree, known: known) }
            return try await endStrays(known: known)
        } catch let error as SystemError {
            throw .system(error)
        } catch {
            return []
        }
    }

    private func discoverTree() -> CgroupTree? {
        guard case .discover = configuration.cgroups else { return nil }
        let name = "aloft-\(SpecDigest.name(of: configuration.stateDirectory))"
        do throws(SystemError) {
            return CgroupTree.discover(name: name, mounts: try CgroupMounts()) { reason in
                logger.debug("a cgroup hierarchy cannot be used", metadata: ["reason": "\(reason)"])
            }
        } catch {
            logger.notice("cgroups cannot be read", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// A daemon that was killed between making a process and writing it down leaves its cgroup.
    private func removeStrayCgroups(_ tree: CgroupTree, known: [AdoptionRecord]) async throws {
        let names = Set(known.map { Self.cgroupName($0.id) })
        for name in try tree.names() where !names.contains(name) {
            let cgroup = tree.cgroup(name)
            let left = try await ProcessRemains(leader: nil, cgroup: cgroup, outputFiles: [])
                .killAll(clock: configuration.clock)
            if left.isEmpty { cgroup.discard() }
        }
    }

    private func endStrays(known: [AdoptionRecord]) async throws -> [Leftover] {
        let directories = Set(known.map(\.directory))
        var leftovers: [Leftover] = []
        for name in try Directories.names(in: runFolder) {
            let directory = RunDirectory(path: "\(runFolder)/\(name)")
            if directories.contains(directory.path) { continue }
            guard let id = RunDirectory.replica(named: name) else { continue }
            let files = [directory.stdoutPath, directory.stderrPath]
            _ = try await ProcessRemains(leader: nil, cgroup: nil, outputFiles: files)
                .killAll(clock: configuration.clock)
            leftovers.append(
                Leftover(id: id, directory: directory.path, stdoutPath: files[0], stderrPath: files[1]))
        }
        return leftovers
    }

    package func forget(_ leftover: Leftover) async throws { try RunDirectory(path: leftover.directory).remove() }

    package func close() async { state.withLock { $0.tree }?.removeIfEmpty() }

    // MARK: starting

    package func launch(_ order: LaunchOrder) async throws(LaunchFailure) -> any RunningReplica {
        let directory = RunDirectory(state: configuration.stateDirectory, id: order.id)
        do {
            return try await launch(order, in: directory)
        } catch {
            undo(order.id, directory)
            throw (error as? LaunchFailure) ?? LaunchFailure("\(error)")
        }
    }

    private func launch(_ order: LaunchOrder, in directory: RunDirectory) async throws -> ProcessReplica {
        let user = try order.service.user.flatMap { try UserIdentity.find(user: $0.name, group: $0.group) }
        let directory = directory.reachable(by: user)
        try directory.make(withSocket: order.service.listen == .unix)
        let address = try address(order, directory)
        let plan = try LaunchPlan(
            order.service, replica: order.id, address: address, host: order.host
        ).asUser(of: order.service)
        if user != nil { try ServiceUser.openWay(to: plan.directory, in: configuration.stateDirectory) }
        let (launch, outputs) = try launch(plan, in: directory)
        var process = launch
        let cgroup = try limit(&process, order)
        let watch: ProcessWatch
        do {
            watch = try await process.runWatched()
        } catch {
            cgroup?.discard()
            throw error
        }
        withExtendedLifetime(outputs) {}
        removeLate()
        let record = AdoptionRecord(
            id: order.id, process: watch.identity, address: address, specDigest: order.specDigest,
            directory: directory.path, stdoutPath: directory.stdoutPath, stderrPath: directory.stderrPath,
            started: Timestamp(nanoseconds: configuration.clock.wallNanoseconds),
            enforcement: enforcement(of: order.service.resources), cgroups: cgroup?.folders ?? [],
            memoryLimit: order.service.resources.limits.memory)
        return replica(record, watch: watch, cgroup: cgroup)
    }

    private func launch(
        _ plan: LaunchPlan, in directory: RunDirectory
    ) throws -> (launch: ProcessLaunch, outputs: [Descriptor]) {
        var launch = try plan.launch()
        let flags = O_WRONLY | O_CREAT | O_APPEND
        let out = try Descriptor(opening: directory.stdoutPath, flags)
        let err = try Descriptor(opening: directory.stderrPath, flags)
        if let user = plan.user { try ServiceUser.give([out, err], to: user) }
        launch.standardOutput = out.number
        launch.standardError = err.number
        return (launch, [out, err])
    }

    private func address(_ order: LaunchOrder, _ directory: RunDirectory) throws -> ReplicaAddress {
        switch order.service.listen {
        case .unix: return .unix(directory.socketPath)
        case .nothing: return .nowhere
        case .port: break
        }
        return try state.withLock { state in
            let taken = Set(state.ports.values)
            let port = try FreePort.choose(preferred: order.preferredPort, excluded: taken)
            state.ports[order.id] = port
            return .port(port)
        }
    }

    /// Puts the process under its limits: its cgroup where there is one, else what rlimits can do.
    private func limit(_ launch: inout ProcessLaunch, _ order: LaunchOrder) throws -> Cgroup? {
        let resources = order.service.resources
        guard let tree = state.withLock({ $0.tree }) else {
            if let memory = resources.limits.memory { launch.limits = [.data(memory.bytes)] }
            return nil
        }
        let limits = CgroupLimits(
            cpuRequest: resources.requests.cpu?.millicores, cpuLimit: resources.limits.cpu?.millicores,
            memoryRequest: resources.requests.memory?.bytes, memoryLimit: resources.limits.memory?.bytes)
        let cgroup = try tree.make(Self.cgroupName(order.id), limits: limits)
        launch.cgroupProcsFiles = cgroup.procsFiles
        return cgroup
    }

    private func undo(_ id: ReplicaID, _ directory: RunDirectory) {
        state.withLock { _ = $0.ports.removeValue(forKey: id) }
        do throws(SystemError) {
            try directory.remove()
        } catch {
            logger.warning("a run folder cannot be removed yet", metadata: ["error": "\(error)"])
            state.withLock { state in
                if state.unremoved.count < Self.mostUnremoved { state.unremoved.insert(directory.path) }
            }
        }
    }

    /// A launch has just succeeded, so there are descriptors again.
    private func removeLate() {
        for path in state.withLock({ $0.unremoved }) {
            do throws(SystemError) {
                try RunDirectory(path: path).remove()
                state.withLock { _ = $0.unremoved.remove(path) }
            } catch {
                logger.debug("a run folder cannot be removed yet", metadata: ["error": "\(error)"])
            }
        }
    }

    package func enforcement(of resources: Resources) -> Enforcement {
        switch state.withLock({ $0.tree?.version }) {
        case .v2: .cgroup2
        case .v1: .cgroup1
        case nil: resources.limits.memory == nil ? .none : .rlimit
        }
    }

    // MARK: running

    package func adopt(_ record: AdoptionRecord) async -> any RunningReplica {
        if case .port(let port) = record.address { state.withLock { $0.ports[record.id] = port } }
        let cgroup: Cgroup? =
            record.cgroups.isEmpty
            ? nil : Cgroup(version: record.enforcement == .cgroup2 ? .v2 : .v1, folders: record.cgroups)
        do throws(SystemError) {
            return replica(record, watch: try ProcessWatch(record.process), cgroup: cgroup)
        } catch {
            if error.code != ESRCH {
                logger.warning("a replica cannot be adopted", metadata: ["error": "\(error)"])
            }
            return replica(record, watch: nil, cgroup: cgroup)
        }
    }

    private func replica(_ record: AdoptionRecord, watch: ProcessWatch?, cgroup: Cgroup?) -> ProcessReplica {
        ProcessReplica(record, watch: watch, cgroup: cgroup, clock: configuration.clock) { [weak self] in
            self?.state.withLock { _ = $0.ports.removeValue(forKey: record.id) }
        }
    }

    package func measure(_ replicas: [any RunningReplica]) async -> [ReplicaID: ProcessUsage] {
        var result: [ReplicaID: ProcessUsage] = [:]
        var groups: [Int32: ReplicaID] = [:]
        for record in replicas.map(\.record) {
            if record.cgroups.isEmpty {
                groups[record.process.pid] = record.id
                continue
            }
            let version: CgroupVersion = record.enforcement == .cgroup2 ? .v2 : .v1
            // One whose cgroup was removed has just ended.
            result[record.id] = try? Cgroup(version: version, folders: record.cgroups).usage()
        }
        if groups.isEmpty { return result }
        do throws(SystemError) {
            for (group, usage) in try GroupUsage.measure(groups: Set(groups.keys)) {
                if let id = groups[group] { result[id] = usage }
            }
        } catch {
            logger.warning("replicas cannot be measured", metadata: ["error": "\(error)"])
        }
        return result
    }

    private static func cgroupName(_ id: ReplicaID) -> String { "\(id.name).\(id.generation)" }
}
