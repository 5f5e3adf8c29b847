import AloftCompute
import AloftEdge
import AloftModel
import AloftRollout

/// `gates.after`: what a release that was promoted must show, looked at from where its users stand.
struct ReleaseChecks: Checks {
    /// A certificate that ends sooner fails the check.
    static let certificateMargin = Duration.seconds(7 * 86_400)

    let present: Present
    let compute: Compute
    let edge: Edge
    let fetch: LocalFetch

    func check(_ check: GatesSpec.Check, service: String, release: Int) async -> CheckResult {
        switch check {
        case .health: await health(service, release)
        case .performance: await performance(service, release)
        case .headers: await headers(service)
        case .certificate: certificate()
        case .metrics: await metrics(service)
        case .database: CheckResult(.notApplicable, "the file has no database")
        case .cache: CheckResult(.notApplicable, "the file has no cache")
        case .backups: CheckResult(.notApplicable, "the file has no backups")
        }
    }

    // MARK: The application

    private func health(_ service: String, _ release: Int) async -> CheckResult {
        guard let set = await compute.sets(service).first(where: { $0.release == release }) else {
            return CheckResult(.failed, "release \(release) has no replicas")
        }
        guard set.ready >= set.desired, set.ready > 0 else {
            return CheckResult(.failed, "\(set.ready) of \(set.desired) replicas are in rotation")
        }
        guard case .httpGet(let asked)? = spec(service)?.probes.readiness?.check else {
            return CheckResult(.passed, "\(set.ready) of \(set.desired) replicas are in rotation")
        }
        let path = asked.path + (asked.host.map { " (asked as \($0))" } ?? "")
        let outcome = await edge.probe(
            service: service, release: release, path: asked.path, host: asked.host ?? "localhost",
            fields: asked.headers)
        switch outcome {
        case .answered(let status, let took) where (200..<400).contains(status):
            return CheckResult(
                .passed,
                "\(set.ready) of \(set.desired) replicas are in rotation; \(path) answered \(status) in "
                    + "\(took.milliseconds) ms")
        case .answered(let status, _): return CheckResult(.failed, "\(path) answered \(status)")
        case .failed(let reason): return CheckResult(.failed, "\(path) was not answered: \(reason)")
        case .noReplica: return CheckResult(.failed, "no replica is in rotation")
        case .busy, .invalid, .stopped: return CheckResult(.failed, "\(path) could not be asked")
        }
    }

    /// What the file allows a release is what it must show.
    private func performance(_ service: String, _ release: Int) async -> CheckResult {
        guard let bounds = spec(service)?.deploy.analysis?.maxLatency, !bounds.isEmpty else {
            return CheckResult(.notApplicable, "the file sets no `deploy.analysis.maxLatency`")
        }
        let counts = await edge.statistics().releases.first { $0.service == service && $0.release == release }
        guard let counts, counts.latency.count > 0 else {
            return CheckResult(.notApplicable, "no request was sent to release \(release) yet")
        }
        let found = bounds.map { bound in
            (bound: bound, time: counts.latency.quantile(bound.quantile.percent.fraction) ?? .zero)
        }
        let text = found.map { found in
            "\(found.bound.quantile) \(found.time.milliseconds) ms, allowed \(found.bound.limit.quantity)"
        }
        let isGood = found.allSatisfy { $0.time <= $0.bound.limit }
        return CheckResult(
            isGood ? .passed : .failed, text.joined(separator: "; ") + " (\(counts.latency.count) requests)")
    }

    // MARK: The edge

    /// The fields of the file are on an answer that came through a listener.
    private func headers(_ service: String) async -> CheckResult {
        let facts = present.facts
        let rules = facts.running.plan.edge.headers
        guard !rules.set.isEmpty || !rules.remove.isEmpty else {
            return CheckResult(.notApplicable, "the file sets and removes no header fields")
        }
        guard let (url, host) = address(of: service) else {
            return CheckResult(.notApplicable, "no route that a GET can take leads to the service")
        }
        do {
            let answer = try await fetch.get(url: url, host: host)
            let missing = rules.set.filter { rule in
                !answer.fields.contains { $0.name.lowercased() == rule.name.lowercased() && $0.value == rule.value }
            }
            let left = rules.remove.filter { name in
                answer.fields.contains { $0.name.lowercased() == name.lowercased() }
            }
            guard missing.isEmpty, left.isEmpty else {
                let problems = missing.map { "\($0.name) is missing" } + left.map { "\($0) is still there" }
                return CheckResult(.failed, "\(url): " + problems.joined(separator: "; "))
            }
            return CheckResult(.passed, "\(rules.set.count) set, \(rules.remove.count) removed on \(url)")
        } catch {
            return CheckResult(.failed, "\(url): \(error)")
        }
    }

    private func certificate() -> CheckResult {
        let certificates = present.facts.certificates
        guard let first = certificates.min(by: { $0.notAfter < $1.notAfter }) else {
            return CheckResult(.notApplicable, "no listener speaks TLS")
        }
        let left = first.notAfter - Timestamp.now
        let days = left.components.seconds / 86_400
        guard left > Self.certificateMargin else {
            return CheckResult(.failed, "the certificate of \(first.hosts) ends in \(max(0, days)) days")
        }
        return CheckResult(.passed, "\(certificates.count) valid for \(days) days and more")
    }

    /// The service's own figures are on the metrics page.
    private func metrics(_ service: String) async -> CheckResult {
        guard let admin = present.facts.admin else { return CheckResult(.notApplicable, "the file says `admin: off`") }
        do {
            let answer = try await fetch.get(url: "\(admin)/metrics", host: nil)
            guard answer.status == 200 else { return CheckResult(.failed, "/metrics answered \(answer.status)") }
            let text = String(decoding: answer.body, as: UTF8.self)
            guard text.contains("service=\"\(service)\"") else {
                return CheckResult(.failed, "/metrics has no series of \(service)")
            }
            return CheckResult(.passed, "\(answer.body.count) bytes with series of \(service)")
        } catch {
            return CheckResult(.failed, "/metrics: \(error)")
        }
    }

    // MARK: The plan

    private func spec(_ service: String) -> ServiceSpec? {
        present.facts.running.plan.services.first { $0.name == service }
    }

    /// The first route to the service that an ordinary GET takes, on the first listener that answers itself.
    private func address(of service: String) -> (url: String, host: String?)? {
        let facts = present.facts
        let edge = facts.running.plan.edge
        let route = edge.routes.first { route in
            guard case .service(let target) = route.action, target.service == service else { return false }
            return (route.match.methods.isEmpty || route.match.methods.contains("GET")) && route.match.headers.isEmpty
        }
        guard let route, let index = edge.listeners.firstIndex(where: { !$0.redirectsToHTTPS }),
            facts.urls.indices.contains(index)
        else { return nil }
        let path =
            switch route.match.path {
            case .exact(let path), .prefix(let path): path
            }
        let url = facts.urls[index]
        return ((url.hasSuffix("/") ? String(url.dropLast()) : url) + path, route.match.host?.name)
    }
}
