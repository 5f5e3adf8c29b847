import AloftCompute
import AloftEdge
import AloftJobs
import AloftLanguage
import AloftModel
import AloftNotifications
import AloftScaling

/// Makes the changes that people ask for, one at a time: reload, restart, scale.
struct Operator: Sendable {
    let options: DaemonOptions
    let present: Present
    let edge: Edge
    let compute: Compute
    let scaler: Scaler
    let stores: Stores
    let events: EventQueue
    let admin: AdminServer
    let deployer: Deployer
    let desk: PromotionDesk
    let notifier: Notifier
    let jobs: Jobs
    let turnstile = Turnstile()

    init(
        options: DaemonOptions, present: Present, edge: Edge, compute: Compute, scaler: Scaler, stores: Stores,
        events: EventQueue, admin: AdminServer, deployer: Deployer, desk: PromotionDesk,
        notifier: Notifier, jobs: Jobs
    ) {
        self.options = options
        self.present = present
        self.edge = edge
        self.compute = compute
        self.scaler = scaler
        self.stores = stores
        self.events = events
        self.admin = admin
        self.deployer = deployer
        self.desk = desk
        self.notifier = notifier
        self.jobs = jobs
    }

    /// What a file of this text would change, with this environment of it or the one that runs; changes nothing.
    func difference(to text: [UInt8], environment: String?) throws -> PlanDifference {
        let slash = options.file.lastIndex(of: "/") ?? options.file.startIndex
        let source = SourceFile(name: options.file, directory: String(options.file[..<slash]), bytes: text)
        let proposed = try Running.check(
            source, environment: environment ?? options.environmentName, variables: options.hostEnvironment,
            envFiles: { EnvironmentFileContent.disk($0) }
        ).running
        return PlanDifference(
            changes: Language.difference(from: present.facts.running.plan, to: proposed.plan),
            digest: proposed.digest)
    }

    /// Reads the file again and makes it what runs; a file that cannot be used changes nothing.
    func reload() async throws -> PlanDifference {
        try await turnstile.alone {
            do {
                return try await takeOver()
            } catch let failure as ControlFailure {
                present.change { $0.reloads.refused += 1 }
                let firstLine = failure.message.prefix { $0 != "\n" }
                events.publish(.warning, "reload.refused", "daemon", "nothing was changed: \(firstLine)")
                throw failure
            }
        }
    }

    /// Replaces a service's replicas one after another.
    func restart(_ service: String) async throws -> Accepted {
        try await turnstile.alone {
            do throws(ComputeError) {
                try await compute.restart(service)
            } catch {
                throw ControlFailure(error)
            }
            return Accepted(message: "\(service) is being restarted, one replica at a time")
        }
    }

    /// Sets the number of a service's replicas and remembers it for the next daemon.
    func scale(_ service: String, to count: Int) async throws -> Accepted {
        try await turnstile.alone {
            try await setReplicas(of: service, to: count)
            return Accepted(message: "\(service) goes to \(count) \(count == 1 ? "replica" : "replicas")")
        }
    }

    /// Where nothing moves the number but people, it is within the file's bounds and kept; else the scaler weighs it.
    private func setReplicas(of service: String, to count: Int) async throws {
        let spec = present.facts.running.plan.services.first { $0.name == service }
        if let spec, spec.scaling.isScalable {
            do throws(ScalingError) {
                return try await scaler.scale(service, to: count)
            } catch {
                throw ControlFailure(.outOfBounds, "\(error)", hint: "`services.\(service).scaling` has the bounds")
            }
        }
        do throws(ComputeError) {
            try await compute.scale(service, to: count)
        } catch {
            throw ControlFailure(error)
        }
    }

    func readFile() throws(ControlFailure) -> Running {
        guard present.facts.state == .running else { throw ControlFailure(.stopping, "the daemon is stopping") }
        let running = try Running.read(
            options.file, environment: options.environmentName, variables: options.hostEnvironment
        ).running
        do {
            return try deployer.book.kept.marked(running)
        } catch {
            throw ControlFailure(.failed, "\(error)")
        }
    }

    /// All that can fail comes first: reading, certificates, the admin address, the edge.
    ///
    /// - Parameter spared: A service that is deployed next: its release takes the file's words.
    func takeOver(sparing spared: String? = nil) async throws -> PlanDifference {
        let before = present.facts
        let next = try readFile()
        try await refuseRemoval(of: before.running.plan.services, by: next.plan)
        let edgeSpec = next.plan.edge
        let certificates = try loadCertificates(edgeSpec)
        let movesAdmin = edgeSpec.admin != before.running.plan.edge.admin
        let listener = movesAdmin ? try await prepareAdmin(edgeSpec.admin) : nil
        let addresses: [Address]
        do {
            addresses = try await edge.apply(
                spec: edgeSpec, services: next.plan.services.map { EdgeService($0) },
                certificates: certificates.forEdge, accessShare: next.plan.logs.access)
        } catch {
            await listener?.discard()
            throw ControlFailure(.failed, error.message, hint: error.hint)
        }
        if movesAdmin { await admin.adopt(listener) }
        deployer.wanted.apply(next.plan.services)
        await compute.apply(try await deployer.book.targets(of: next.plan, events: events))
        await scaler.apply(next.plan.services)
        await tell(by: next.plan)
        stores.logs.apply(next.plan.logs)
        stores.log.change(level: next.plan.logs.level)
        let changes = Language.difference(from: before.running.plan, to: next.plan)
        present.change { facts in
            facts.running = next
            facts.certificates = certificates.facts
            facts.urls = zip(addresses, edgeSpec.listeners).map { StatusBuilder.url($0, tls: $1.tls) }
            facts.admin = admin.address.map { "http://\($0)" }
            facts.reloads.applied += 1
        }
        await jobs.apply(next.plan.jobs)
        await deployer.takeOver(
            next, reason: .reload, sparing: spared, messages: Self.messages(of: changes))
        report(changes, certificates)
        return PlanDifference(changes: changes, digest: next.digest)
    }

    /// `envFiles: .env changed`, by service: what a release is for whose file says the same as before.
    static func messages(of changes: [PlanChange]) -> [String: String] {
        var messages: [String: String] = [:]
        for change in changes where change.path.hasSuffix(".envFiles") && change.old == nil && change.kind == .changed {
            guard let service = change.restarts, let what = change.new else { continue }
            messages[service] = messages[service].map { "\($0), \(what)" } ?? "envFiles: \(what)"
        }
        return messages
    }

    private func refuseRemoval(of services: [ServiceSpec], by next: Plan) async throws(ControlFailure) {
        for service in services where !next.services.contains(where: { $0.name == service.name }) {
            guard let progress = await deployer.rollouts.status(service.name), !progress.isEnd else { continue }
            throw ControlFailure(
                .busy, "\(service.name) is not in the file any more, but its release \(progress.release) is rolled out",
                hint: "`aloft abort \(service.name)` or `aloft promote \(service.name)`, then reload")
        }
    }

    /// Channels follow the file where the outbox can be written; else the former ones stay until the next reload.
    private func tell(by plan: Plan) async {
        do {
            try await notifier.follow(plan, variables: options.hostEnvironment)
        } catch {
            events.publish(.error, "notifications.unchanged", "daemon", "its channels stay as they were: \(error)")
        }
    }

    private func report(_ changes: [PlanChange], _ certificates: Certificates) {
        for warning in certificates.warnings {
            events.publish(.warning, "certificate.warning", "edge", warning)
        }
        let count = changes.count == 1 ? "1 change" : "\(changes.count) changes"
        events.publish(
            .notice, "reload.applied", "daemon", changes.isEmpty ? "the file says what runs already" : "\(count) made")
    }

    private func loadCertificates(_ spec: EdgeSpec) throws(ControlFailure) -> Certificates {
        do {
            return try Certificates(spec, directory: stores.paths.certificates, now: .now)
        } catch {
            throw ControlFailure(.failed, error.message)
        }
    }

    private func prepareAdmin(_ address: Address?) async throws(ControlFailure) -> HTTPService? {
        guard let address else { return nil }
        do {
            return try await admin.prepare(address)
        } catch {
            throw ControlFailure(.failed, error.message, hint: error.hint)
        }
    }
}

extension ControlFailure {
    init(_ error: ComputeError) {
        let code: Code =
            switch error {
            case .unknownService: .unknownService
            case .outOfBounds: .outOfBounds
            case .unknownRelease, .noReplica: .nothingThere
            case .isPrimary: .refused
            case .tooManyCommands: .busy
            case .stopping: .stopping
            }
        self.init(code, error.description)
    }
}
