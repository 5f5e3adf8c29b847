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

    /// The file as it is now, and the values of `${env.NAME}` that go with it.
    struct Proposal: Sendable {
        var running: Running
        var offer: HostVariables.Offer
    }

    /// What a file of this text would change, with this environment of it or the one that runs; changes nothing.
    ///
    /// - Parameter given: What the caller's shell has for the names that the text reads.
    func difference(
        to text: [UInt8], environment: String?, _ given: [String: String]?
    ) async throws -> PlanDifference {
        let slash = options.file.lastIndex(of: "/") ?? options.file.startIndex
        let source = SourceFile(name: options.file, directory: String(options.file[..<slash]), bytes: text)
        // Nothing is started here, so a variable may have no value yet.
        let reading = Language.inspect(
            source, environment: environment ?? options.environmentName, variables: deployer.book.variables.values,
            envFiles: { EnvironmentFileContent.disk($0) })
        let proposed = try marked(try Running.checked(reading, source))
        let offer = deployer.book.variables.offer(given, reading: Language.variables(of: proposed.plan))
        var difference = try await difference(to: proposed, offer)
        difference.changes += try await deployer.codeChanges(proposed.plan)
        return difference
    }

    private func difference(to next: Running, _ offer: HostVariables.Offer) async throws(ControlFailure)
        -> PlanDifference
    {
        do {
            let (changes, notes) = try await deployer.statement(
                from: present.facts.running.plan, to: next.plan, offer)
            return PlanDifference(changes: changes, digest: next.digest, notes: notes)
        } catch {
            throw ControlFailure(.failed, "what runs can't be read: \(error)")
        }
    }

    private func marked(_ running: Running) throws(ControlFailure) -> Running {
        do {
            return try deployer.book.kept.marked(running)
        } catch {
            throw ControlFailure(.failed, "\(error)")
        }
    }

    /// Names that the file, as it is now, reads as `${env.NAME}`.
    func variables() throws(ControlFailure) -> VariableNames {
        guard present.facts.state == .running else { throw ControlFailure(.stopping, "the daemon is stopping") }
        let source: SourceFile
        do {
            source = try SourceFile.open(options.file)
        } catch {
            throw ControlFailure(.invalidFile, error.description)
        }
        let reading = Language.inspect(source, environment: options.environmentName)
        return VariableNames(names: Language.variables(of: try Running.checked(reading, source).plan))
    }

    /// Reads the file again and makes it what runs; a file that cannot be used changes nothing.
    ///
    /// - Parameter given: What the caller's shell has for the names of `variables()`; nil keeps all values.
    func reload(_ given: [String: String]? = nil) async throws -> PlanDifference {
        try await turnstile.alone {
            do {
                return try await takeOver(try readFile(given))
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

    /// Lets a service's replicas read their own configuration again.
    func reload(_ service: String) async throws -> Accepted {
        try await turnstile.alone {
            do throws(ComputeError) {
                let told = try await compute.reload(service)
                return Accepted(message: "told to read their configuration again: \(told.joined(separator: ", "))")
            } catch {
                var failure = ControlFailure(error)
                if case .noReload = error {
                    failure.hint =
                        "add `reload: {signal: HUP}` to `services.\(service)` if it reads its configuration at a signal, "
                        + "or replace its replicas: `aloft restart \(service)`"
                }
                throw failure
            }
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

    func readFile(_ given: [String: String]? = nil) throws(ControlFailure) -> Proposal {
        guard present.facts.state == .running else { throw ControlFailure(.stopping, "the daemon is stopping") }
        let variables = deployer.book.variables
        // What is given and not read is not taken, so that the file is read with all of it first.
        let all = variables.values.merging(given ?? [:]) { _, new in new }
        let running = try marked(
            try Running.read(options.file, environment: options.environmentName, variables: all).running)
        return Proposal(
            running: running, offer: variables.offer(given, reading: Language.variables(of: running.plan)))
    }

    /// Makes a file what runs: all of it or nothing.
    ///
    /// All that can fail comes first and is undone where a later step fails: the journal, certificates, the admin
    /// address, the outbox of notifications, the edge. The steps after the edge can't fail.
    ///
    /// - Parameter spared: A service that is deployed next: its release takes the file's words.
    func takeOver(_ proposal: Proposal, sparing spared: String? = nil) async throws(ControlFailure) -> PlanDifference {
        let before = present.facts
        let (next, offer) = (proposal.running, proposal.offer)
        if let problem = UserCheck.problems(of: next.plan).first {
            throw ControlFailure(.refused, problem.message, hint: problem.hint)
        }
        try await refuseRemoval(of: before.running.plan.services, by: next.plan)
        let edgeSpec = next.plan.edge
        let difference = try await difference(to: next, offer)
        let targets = try await targets(of: next.plan)
        let certificates = try loadCertificates(edgeSpec)
        let movesAdmin = edgeSpec.admin != before.running.plan.edge.admin
        let listener = movesAdmin ? try await prepareAdmin(edgeSpec.admin) : nil
        let addresses: [Address]
        do {
            try await tell(by: next.plan, offer.values)
            addresses = try await open(next.plan, certificates, insteadOf: before.running.plan)
        } catch {
            await listener?.discard()
            throw error
        }
        if movesAdmin { await admin.adopt(listener) }
        deployer.book.variables.take(offer)
        let numbers = deployer.wanted.apply(next.plan.services)
        await compute.use(host: offer.values)
        await compute.apply(targets)
        await scaler.apply(next.plan.services)
        stores.logs.apply(next.plan.logs)
        stores.log.change(level: next.plan.logs.level)
        present.change { facts in
            facts.running = next
            facts.certificates = certificates.facts
            facts.urls = zip(addresses, edgeSpec.listeners).map { StatusBuilder.url($0, tls: $1.tls) }
            facts.admin = admin.address.map { "http://\($0)" }
            facts.reloads.applied += 1
        }
        await jobs.apply(next.plan.jobs)
        await write(numbers)
        await deployer.takeOver(
            next, reason: .reload, sparing: spared, messages: Self.messages(of: difference.changes))
        report(difference.changes, certificates)
        return difference
    }

    private func targets(of plan: Plan) async throws(ControlFailure) -> [ServiceTarget] {
        do {
            return try await deployer.book.targets(of: plan, events: events)
        } catch {
            throw ControlFailure(.failed, "what runs can't be read: \(error)")
        }
    }

    /// The last step that can fail; notifications follow the former plan again where it does.
    private func open(
        _ plan: Plan, _ certificates: Certificates, insteadOf former: Plan
    ) async throws(ControlFailure) -> [Address] {
        do {
            return try await edge.apply(
                spec: plan.edge, services: plan.services.map { EdgeService($0) }, certificates: certificates.forEdge,
                accessShare: plan.logs.access)
        } catch {
            do {
                try await tell(by: former, deployer.book.variables.values)
            } catch {
                events.publish(
                    .error, "notifications.changed", "daemon", "its channels are already the new ones: \(error.message)"
                )
            }
            throw ControlFailure(.failed, error.message, hint: error.hint)
        }
    }

    /// The next daemon goes on with these numbers; where it does not know them, it begins with the least.
    private func write(_ numbers: [(service: String, count: Int)]) async {
        do {
            try await deployer.wanted.write(numbers)
        } catch {
            events.publish(.warning, "service.scaled", "daemon", "numbers of replicas were not kept: \(error)")
        }
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
                .busy, "can't remove `\(service.name)`: release \(progress.release) is still rolling out",
                hint: "`aloft abort \(service.name)` or `aloft promote \(service.name)`, then reload")
        }
    }

    /// Channels follow the file; where the outbox can't be written the former ones stay, and so does all else.
    private func tell(by plan: Plan, _ values: [String: String]) async throws(ControlFailure) {
        do {
            try await notifier.follow(plan, variables: values)
        } catch {
            throw ControlFailure(.failed, "its notifications can't be taken over: \(error)")
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
            case .isPrimary, .noReload, .unhandledSignal: .refused
            case .tooManyCommands: .busy
            case .stopping: .stopping
            }
        self.init(code, error.description)
    }
}
