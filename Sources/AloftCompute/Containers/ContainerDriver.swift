import AloftModel
import AloftSystem
import Glibc
import Logging
import Synchronization

/// Runs replicas in containers, by way of podman or docker.
///
/// A container outlives the daemon, and podman gives it Aloft's spool files as its own output, so that nothing stands
/// between the program and the file (docs/adr/0004-containers-write-to-spool-files.md).
package final class ContainerDriver: Driver {
    let configuration: ComputeConfiguration
    let logger: Logger
    let session: EngineSession
    let images: ImageTable
    private let ports = Mutex<[ReplicaID: Int]>([:])

    package init(_ configuration: ComputeConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        session = EngineSession(configuration, logger: logger)
        images = ImageTable(Images(session: session))
    }

    // MARK: images

    /// Finds, pulls or builds the image now, and names it by what it holds, for a release to keep.
    ///
    /// - Returns: `repository@sha256:…`, or the id of an image that no registry has. As `image` of a later spec it needs
    ///   no registry while it is on this machine.
    package func resolveImage(_ spec: ContainerSpec, service: String) async throws(LaunchFailure) -> String {
        try await images.resolve(spec, service: service)
    }

    /// Removes what was built for a service and is none of `kept`.
    package func removeBuiltImages(of service: String, keeping kept: Set<String>) async throws(LaunchFailure) -> Int {
        guard session.wasEverUsed else { return 0 }
        return try await Images(session: session).removeBuilt(for: service, keeping: kept)
    }

    // MARK: beginning

    /// Ends containers of this state directory that no record tells of. Their output is read by the folders they have.
    package func prepare(known: [AdoptionRecord]) async throws(ComputeStartError) -> [Leftover] {
        guard session.wasEverUsed else { return [] }
        do {
            for name in try Directories.names(in: session.folder) where name.hasPrefix(RegistryLogin.prefix) {
                try Directories.remove("\(session.folder)/\(name)")
            }
            try await removeStrays(except: Set(known.map { containerName($0.id) }))
        } catch {
            // Services that are processes do not wait for an engine that is broken.
            logger.warning("containers of an earlier run cannot be looked for", metadata: ["error": "\(error)"])
        }
        return []
    }

    private func removeStrays(except known: Set<String>) async throws(LaunchFailure) {
        let calls = try session.calls()
        let label = ContainerOrder.instanceLabel(session.instance)
        let answer = try await calls.finish(
            ["ps", "--all", "--filter", "label=\(label)", "--format", "{{.Names}}"],
            within: EngineCalls.Limit.question)
        guard answer.succeeded else { throw LaunchFailure(EngineText.lastLine(answer.complaint)) }
        for name in answer.output.split(whereSeparator: \.isWhitespace).map(String.init) where !known.contains(name) {
            if let problem = await ContainerReplica.remove(name, calls) { throw LaunchFailure(problem) }
        }
    }

    package func forget(_ leftover: Leftover) async throws { try Self.removeFolders(leftover.directory) }

    package func close() async { await images.cancel() }

    // MARK: starting

    package func launch(_ order: LaunchOrder) async throws(LaunchFailure) -> any RunningReplica {
        guard let spec = order.service.container else { throw LaunchFailure("\(order.id.service) is no container") }
        let image = try await images.image(spec, service: order.id.service, clock: configuration.clock)
        // Not given up when supervision ends at this moment: the container runs, or is undone.
        let result = await Task { await self.start(order, spec, image: image) }.value
        if case .failure(let failure) = result, EngineText.saysImageIsGone(failure.description) {
            await images.forget(spec, service: order.id.service)
        }
        return try result.get()
    }

    private func start(
        _ order: LaunchOrder, _ spec: ContainerSpec, image: String
    ) async -> Result<any RunningReplica, LaunchFailure> {
        let directory = RunDirectory(state: configuration.stateDirectory, id: order.id)
        do {
            return .success(try await start(order, spec, image: image, in: directory))
        } catch {
            await undo(order.id, directory)
            return .failure((error as? LaunchFailure) ?? LaunchFailure("\(error)"))
        }
    }

    private func start(
        _ order: LaunchOrder, _ spec: ContainerSpec, image: String, in directory: RunDirectory
    ) async throws -> ContainerReplica {
        try ContainerOrder.checkVolumes(of: spec)
        try directory.make(withSocket: false)
        let (address, socketFolder) = try address(order, directory)
        let plan = try ContainerOrder(
            order, image: image, address: address, socketFolder: socketFolder, folder: directory.path,
            instance: session.instance, stateDirectory: configuration.stateDirectory,
            host: order.host)
        let calls = try await run(plan, spec, in: directory)
        let process = try await process(of: plan, calls)
        let started = try StartedContainer(process: process, id: try readText(plan.identityFile, limit: 200))
        let record = record(order, address, directory, started)
        return try replica(record, note: note(plan, calls), started.process)
    }

    /// Makes the container; with Aloft's settings where the engine's own do not work.
    private func run(
        _ plan: ContainerOrder, _ spec: ContainerSpec, in directory: RunDirectory
    ) async throws -> EngineCalls {
        try plan.variables.write(to: plan.variablesFile)
        let (answer, calls) = try await session.withWorkingSettings { calls throws(LaunchFailure) in
            try await runOnce(plan, calls, in: directory)
        }
        try Directories.remove(plan.variablesFile)
        if !answer.succeeded { throw LaunchFailure(EngineText.startFailure(answer.complaint, calls.engine)) }
        return calls
    }

    private func runOnce(
        _ plan: ContainerOrder, _ calls: EngineCalls, in directory: RunDirectory
    ) async throws(LaunchFailure) -> EngineAnswer {
        do {
            try note(plan, calls).write(in: directory.path)
            let out = try Self.emptyFile(directory.stdoutPath)
            let err = try Self.emptyFile(directory.stderrPath)
            let line = plan.line(for: calls.engine.kind, limited: calls.holdsToLimits)
            var answer: EngineAnswer
            switch calls.engine.kind {
            case .podman:
                answer = try await calls.finish(
                    line, within: EngineCalls.Limit.change, environment: plan.variables.passed,
                    streams: .init(output: out.number, errors: err.number))
                // What podman says of its failure is where the container's own words would be.
                if !answer.succeeded { answer.errors = try readText(directory.stderrPath, limit: 64 << 10) }
            case .docker:
                answer = try await calls.finish(
                    line, within: EngineCalls.Limit.change, environment: plan.variables.passed)
                if answer.succeeded { answer = try await attachment(plan.name, directory, calls).start() }
            }
            withExtendedLifetime((out, err)) {}
            if answer.succeeded { return answer }
            _ = await ContainerReplica.remove(plan.name, calls)
            for file in [plan.identityFile, plan.processFile] { try Directories.remove(file) }
            return answer
        } catch {
            throw (error as? LaunchFailure) ?? LaunchFailure("\(error)")
        }
    }

    private func attachment(
        _ name: String, _ directory: RunDirectory, _ calls: EngineCalls
    ) -> DockerAttachment {
        DockerAttachment(
            name: name, stdoutPath: directory.stdoutPath, stderrPath: directory.stderrPath, calls: calls,
            logger: logger)
    }

    private static func emptyFile(_ path: String) throws(SystemError) -> Descriptor {
        let file = try Descriptor(opening: path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND)
        // Runtimes give the streams to the container's user and leave their group, which for who is not root is what
        // lets the daemon read on. Nobody else gets through the folder.
        if fchmod(file.number, 0o660) != 0 { throw SystemError("set the mode of", path) }
        return file
    }

    private func note(_ plan: ContainerOrder, _ calls: EngineCalls) -> ContainerNote {
        ContainerNote(engine: calls.engine, name: plan.name, innerPort: plan.publish?.container)
    }

    /// The container's first process, as this machine numbers it.
    private func process(of plan: ContainerOrder, _ calls: EngineCalls) async throws -> Int32 {
        let text: String
        switch calls.engine.kind {
        case .podman: text = try readText(plan.processFile, limit: 32)
        case .docker:
            text = try await calls.finish(
                ["container", "inspect", "--format", "{{.State.Pid}}", plan.name],
                within: EngineCalls.Limit.question
            ).output
        }
        guard let pid = Int32(text.filter { $0.isNumber }) else {
            throw LaunchFailure("\(calls.engine.kind.rawValue) does not tell the process of the container")
        }
        return pid
    }

    /// With a socket, a folder of its own is mounted, so that the container sees nothing else of Aloft's files.
    private func address(
        _ order: LaunchOrder, _ directory: RunDirectory
    ) throws -> (address: ReplicaAddress, socketFolder: String?) {
        if order.service.listen == .nothing { return (.nowhere, nil) }
        if order.service.listen == .unix {
            let inner = Self.socketDirectory(directory.path)
            try inner.make(withSocket: true)
            let folder = Directories.parent(of: inner.socketPath)
            // The image's user may be any; the folder above lets nobody else in. One in /tmp stays closed.
            if folder == inner.path, chmod(folder, 0o777) != 0 { throw SystemError("open the folder", folder) }
            return (.unix(inner.socketPath), folder)
        }
        return try ports.withLock { ports in
            let port = try FreePort.choose(preferred: order.preferredPort, excluded: Set(ports.values))
            ports[order.id] = port
            return (.port(port), nil)
        }
    }

    static func socketDirectory(_ directory: String) -> RunDirectory { RunDirectory(path: "\(directory)/s") }

    static func removeFolders(_ directory: String) throws(SystemError) {
        try socketDirectory(directory).remove()
        try RunDirectory(path: directory).remove()
    }

    private func undo(_ id: ReplicaID, _ directory: RunDirectory) async {
        ports.withLock { _ = $0.removeValue(forKey: id) }
        if let note = ContainerNote.read(in: directory.path),
            let problem = await ContainerReplica.remove(note.name, session.calls(of: note.engine))
        {
            logger.warning("a container cannot be removed", metadata: ["error": "\(problem)"])
        }
        do throws(SystemError) {
            try Self.removeFolders(directory.path)
        } catch {
            logger.warning("a run folder cannot be removed yet", metadata: ["error": "\(error)"])
        }
    }

    // MARK: records

    private struct StartedContainer {
        var process: ProcessIdentity
        var cgroup: Cgroup?

        /// - Parameter id: The engine's; its cgroup has it in its path. One whose path has not is shared with others
        ///   (rootless on cgroup v1) and tells nothing of the container.
        init(process pid: Int32, id: String) throws(SystemError) {
            let id = id.filter { $0.isHexDigit }
            process = ProcessIdentity(pid: pid, startTicks: 0, boot: try ProcessIdentity.currentBoot())
            do throws(SystemError) {
                process = try ProcessIdentity(of: pid)
                let membership = try readText("/proc/\(pid)/cgroup", limit: 16 << 10)
                let mounts = CgroupMounts(mountinfo: try readText("/proc/self/mountinfo"), membership: membership)
                cgroup = mounts.group(containing: id)
            } catch {
                // It has ended already, or there are no cgroups: then it is only a process.
                if !error.isAbsence && error.code != ESRCH { throw error }
            }
        }
    }

    private func record(
        _ order: LaunchOrder, _ address: ReplicaAddress, _ directory: RunDirectory, _ started: StartedContainer
    ) -> AdoptionRecord {
        let limit = order.service.resources.limits.memory
        var enforcement = Enforcement.none
        if let cgroup = started.cgroup, limit == nil || cgroup.memoryLimit() == limit?.bytes {
            enforcement = cgroup.version == .v2 ? .cgroup2 : .cgroup1
        }
        return AdoptionRecord(
            id: order.id, process: started.process, address: address, specDigest: order.specDigest,
            directory: directory.path, stdoutPath: directory.stdoutPath, stderrPath: directory.stderrPath,
            started: Timestamp(nanoseconds: configuration.clock.wallNanoseconds), enforcement: enforcement,
            cgroups: started.cgroup?.folders ?? [], memoryLimit: limit)
    }

    package func enforcement(of resources: Resources) -> Enforcement {
        guard let mounts = try? CgroupMounts() else { return .none }
        return mounts.controllers["memory"] == nil && mounts.unified != nil ? .cgroup2 : .cgroup1
    }

    private func containerName(_ id: ReplicaID) -> String { ContainerOrder.name(id, instance: session.instance) }
}

// MARK: running

extension ContainerDriver {
    package func adopt(_ record: AdoptionRecord) async -> any RunningReplica {
        if case .port(let port) = record.address { ports.withLock { $0[record.id] = port } }
        guard let note = ContainerNote.read(in: record.directory) else {
            // Its folder is gone: by its name it can still be removed.
            let engine = try? session.calls().engine
            let note = ContainerNote(
                engine: engine ?? ContainerEngine(kind: .podman, path: "/usr/bin/podman"),
                name: containerName(record.id), innerPort: nil)
            return replica(record, note: note, watch: nil)
        }
        do {
            return try replica(record, note: note, record.process)
        } catch {
            logger.warning("a container cannot be adopted", metadata: ["error": "\(error)"])
            return replica(record, note: note, watch: nil)
        }
    }

    private func replica(
        _ record: AdoptionRecord, note: ContainerNote, _ process: ProcessIdentity
    ) throws -> ContainerReplica {
        do throws(SystemError) {
            return replica(record, note: note, watch: try ProcessWatch(process))
        } catch {
            if error.code != ESRCH { throw error }
            return replica(record, note: note, watch: nil)
        }
    }

    private func replica(_ record: AdoptionRecord, note: ContainerNote, watch: ProcessWatch?) -> ContainerReplica {
        let calls = session.calls(of: note.engine)
        let isAttached = note.engine.kind == .docker
        return ContainerReplica(
            record, note: note, watch: watch, calls: calls,
            attachment: isAttached ? attachment(note.name, RunDirectory(path: record.directory), calls) : nil,
            logger: logger
        ) { [weak self] in
            self?.ports.withLock { _ = $0.removeValue(forKey: record.id) }
        }
    }

    package func measure(_ replicas: [any RunningReplica]) async -> [ReplicaID: ProcessUsage] {
        var result: [ReplicaID: ProcessUsage] = [:]
        var groups: [Int32: ReplicaID] = [:]
        for replica in replicas.compactMap({ $0 as? ContainerReplica }) {
            if let cgroup = replica.cgroup {
                // One whose cgroup was removed has just ended.
                result[replica.record.id] = try? cgroup.usage()
            } else {
                groups[replica.record.process.pid] = replica.record.id
            }
        }
        if groups.isEmpty { return result }
        for (group, usage) in (try? GroupUsage.measure(groups: Set(groups.keys))) ?? [:] {
            if let id = groups[group] { result[id] = usage }
        }
        return result
    }
}
