import AloftModel
import AloftRollout
import Foundation
import HTTPTypes
import Hummingbird
import ServiceLifecycle

/// The paths of releases and rollouts.
struct ShippingRoutes: Sendable {
    let operations: Operator
    let rollouts: Rollouts
    let book: ReleaseBook
    let desk: PromotionDesk
    let present: Present

    func add(to version: RouterGroup<BasicRequestContext>) {
        version.post("services/{name}/deploy") { request, context in
            let body = try await ControlRoutes.decode(DeployRequest.self, request)
            let made = try await operations.deploy(try service(context), body)
            return try accepted(made.release, notes: made.notes)
        }
        version.post("services/{name}/rollback") { request, context in
            let body = try await ControlRoutes.decode(RollbackRequest.self, request)
            return try await accepted(operations.rollback(try service(context), body))
        }
        version.post("services/{name}/prune") { request, context in
            let body = try await ControlRoutes.decode(PruneRequest.self, request)
            guard body.keep >= 2 else { throw ControlFailure(.badRequest, "`keep` is 2 or more") }
            return try Answer.json(await operations.prune(try service(context), body))
        }
        version.post("services/{name}/take") { request, context in
            let body = try await ControlRoutes.decode(TakeRequest.self, request)
            return try await accepted(operations.take(try service(context), body))
        }
        version.post("services/{name}/rollout/{order}") { request, context in
            let name = try service(context)
            let word = try context.parameters.require("order")
            guard let order = RolloutOrder.Name(rawValue: word) else {
                throw ControlFailure(.notFound, "there is no order `\(word)` for a rollout")
            }
            return try await obey(order, name, try await ControlRoutes.decode(RolloutOrder.self, request))
        }
        version.get("services/{name}/rollout") { request, context in
            let query = RequestQuery(request)
            try query.allow(["follow"])
            let name = try service(context)
            return try await query.flag("follow") ? follow(name) : try Answer.json(report(name))
        }
        version.get("releases") { request, _ in try await releases(RequestQuery(request)) }
    }

    private func service(_ context: BasicRequestContext) throws -> String {
        let name = try context.parameters.require("name")
        try check(name)
        return name
    }

    private func check(_ name: String) throws(ControlFailure) {
        let known = present.facts.running.plan.services.map(\.name)
        guard known.contains(name) else {
            throw ControlFailure(
                .unknownService, "there is no service `\(name)`", hint: "known: \(known.joined(separator: ", "))")
        }
    }

    private func accepted(_ release: Release, notes: [String] = []) throws -> Response {
        try Answer.json(ReleaseReport(release, notes: notes), status: .accepted)
    }

    // MARK: Orders

    private func obey(_ order: RolloutOrder.Name, _ service: String, _ body: RolloutOrder) async throws -> Response {
        if order == .approve { return try await approve(service, body) }
        if order == .abort, body.force != true { try await operations.deployer.checkWayBack(of: service) }
        let why = body.shortMessage
        do throws(RolloutError) {
            switch order {
            case .promote: try await rollouts.promote(service, by: body.user, because: why)
            case .abort: try await rollouts.abort(service, by: body.user, force: body.force ?? false, because: why)
            case .pause: try await rollouts.pause(service, by: body.user, because: why)
            case .resume: try await rollouts.resume(service, by: body.user, because: why)
            case .approve: break
            }
        } catch {
            throw ControlFailure(error)
        }
        return try Answer.json(await report(service))
    }

    /// An approval of a step, or, where no rollout waits for one, of a release that is to be taken over.
    private func approve(_ service: String, _ body: RolloutOrder) async throws -> Response {
        let open = await rollouts.status(service)?.openApprovals ?? []
        let environment = present.facts.running.plan.environment
        let command = ProposedCommand(environment: environment)
        if open.isEmpty, let pending = try await desk.pending(service), !pending.missing.isEmpty {
            let left = try await desk.approve(service, name: body.approval, by: body.user, proposing: command)
            return try Answer.json(RolloutReport(waiting: service, left, into: environment))
        }
        guard let name = body.approval ?? (open.count == 1 ? open[0] : nil) else {
            guard !open.isEmpty else {
                throw ControlFailure(.nothingThere, "nothing of \(service) waits for an approval")
            }
            throw ControlFailure(
                .badRequest, "\(service) waits for \(open.joined(separator: ", "))",
                hint: "say which: " + command("approve \(service) --as \(open[0])"))
        }
        do throws(RolloutError) {
            try await rollouts.approve(service, name: name, by: body.user, because: body.shortMessage)
        } catch {
            throw ControlFailure(error)
        }
        return try Answer.json(await report(service))
    }

    // MARK: Looking

    private func report(_ service: String) async throws -> RolloutReport {
        guard let progress = await rollouts.status(service) else {
            throw ControlFailure(
                .nothingThere, "no release of \(service) is being rolled out",
                hint: "`aloft history` shows the last one")
        }
        return RolloutReport(progress, verdicts: try await verdicts(of: progress), now: .now)
    }

    private func verdicts(of progress: RolloutProgress) async throws -> [VerdictRecord] {
        try await rollouts.releases(of: progress.service).first { $0.number == progress.release }?.verdicts ?? []
    }

    /// The present state at once, then each change; the last line has an `outcome`.
    private func follow(_ service: String) async throws -> Response {
        guard let first = await rollouts.status(service) else {
            throw ControlFailure(.nothingThere, "no release of \(service) is being rolled out")
        }
        let known = try await verdicts(of: first)
        let stream = await rollouts.stream(service)
        return Answer.stream { writer in
            var verdicts = known
            for await progress in stream.cancelOnGracefulShutdown() {
                if let verdict = progress.verdict, verdict != verdicts.last { verdicts.append(verdict) }
                let report = RolloutReport(progress, verdicts: verdicts, now: .now)
                try await writer.write(try Answer.line(report))
                if report.outcome != nil { return }
            }
        }
    }

    /// Newest first, by their numbers where they are of one service: the clock may have gone back meanwhile.
    private func releases(_ query: RequestQuery) async throws -> Response {
        try query.allow(["service", "release"])
        let number = try query.number("release", in: 1...Int.max)
        var releases = try await book.store.all()
        releases.sort { ($0.created, $0.number) > ($1.created, $1.number) }
        if let service = query["service"] {
            releases.removeAll { $0.service != service }
            // What the file has no more may have releases still.
            if releases.isEmpty { try check(service) }
            releases.sort { $0.number > $1.number }
        }
        if let number { releases.removeAll { $0.number != number } }
        return try Answer.json(
            releases.map { ReleaseReport($0, strategy: strategy(of: $0), isWhole: number != nil) })
    }

    /// Nil where its file can't be read any more.
    private func strategy(of release: Release) -> String? {
        do { return try book.rolledOut(release).deploy.strategy.rawValue } catch { return nil }
    }
}
