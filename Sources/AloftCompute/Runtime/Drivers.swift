import AloftModel
import AloftSystem
import Logging

/// Both kinds of replicas behind one port: a service with `image` or `build` runs in containers, any other as processes.
package final class Drivers: Driver {
    private let processes: ProcessDriver
    private let containers: ContainerDriver

    package init(_ configuration: ComputeConfiguration, logger: Logger) {
        processes = ProcessDriver(configuration, logger: logger)
        containers = ContainerDriver(configuration, logger: logger)
    }

    /// See `ContainerDriver.resolveImage`.
    package func resolveImage(_ spec: ContainerSpec, service: String) async throws(LaunchFailure) -> String {
        try await containers.resolveImage(spec, service: service)
    }

    /// See `ContainerDriver.removeBuiltImages`.
    package func removeBuiltImages(of service: String, keeping kept: Set<String>) async throws(LaunchFailure) -> Int {
        try await containers.removeBuiltImages(of: service, keeping: kept)
    }

    package func run(
        _ command: ServiceCommand, output: @escaping @Sendable ([UInt8]) async -> Void
    ) async -> ExecOutcome {
        await containers.run(command, output: output)
    }

    package func launch(
        _ command: ServiceCommand, isInteractive: Bool
    ) async throws(LaunchFailure) -> CommandLaunch {
        try await containers.launch(command, isInteractive: isInteractive)
    }

    package func endCommand(_ mark: String) async throws(LaunchFailure) { try await containers.endCommand(mark) }

    /// Containers first: what then still writes to a run folder that no record tells of is a process.
    package func prepare(known: [AdoptionRecord]) async throws(ComputeStartError) -> [Leftover] {
        let left = try await containers.prepare(known: known)
        return try await processes.prepare(known: known) + left
    }

    package func launch(_ order: LaunchOrder) async throws(LaunchFailure) -> any RunningReplica {
        try await order.service.container == nil ? processes.launch(order) : containers.launch(order)
    }

    /// What the replica is, not what the file says today.
    package func adopt(_ record: AdoptionRecord) async -> any RunningReplica {
        ContainerNote.read(in: record.directory) == nil
            ? await processes.adopt(record) : await containers.adopt(record)
    }

    /// A container's folder is a run folder with one more folder in it, which this removes as well.
    package func forget(_ leftover: Leftover) async throws { try await containers.forget(leftover) }

    package func measure(_ replicas: [any RunningReplica]) async -> [ReplicaID: ProcessUsage] {
        let inContainers = replicas.filter { $0 is ContainerReplica }
        let others = replicas.filter { !($0 is ContainerReplica) }
        var result = others.isEmpty ? [:] : await processes.measure(others)
        if !inContainers.isEmpty { result.merge(await containers.measure(inContainers)) { first, _ in first } }
        return result
    }

    /// Of a service that runs as processes; a container's record says what holds it.
    package func enforcement(of resources: Resources) -> Enforcement { processes.enforcement(of: resources) }

    package func close() async {
        await containers.close()
        await processes.close()
    }
}
