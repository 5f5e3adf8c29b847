import AloftHTTP
import AloftModel
import NIOSSL

/// The edge's part of one plan, compiled: what a loop needs to answer a request, and nothing that changes.
///
/// A reload makes a new one and swaps the pointer; a request that has begun keeps the one it began with.
final class EdgeSnapshot: Sendable {
    let spec: EdgeSpec
    /// In the order by which `ServicePlan.service` counts.
    let services: [EdgeService]
    let routes: [CompiledRoute]
    let router: Router
    let trusted: TrustedNetworks
    let rules: CompiledHeaderRules
    let forwarding: ForwardingRules
    /// Where `redirect: https` leads.
    let securePort: Int
    let headLimits: HeadLimits
    let tls: ServerTLS?
    let timeouts: Timeouts
    /// A 32-bit random number below this puts a request into the access log.
    let accessThreshold: UInt64

    /// Nanoseconds.
    struct Timeouts: Sendable {
        let requestHead: UInt64
        let idle: UInt64
        let request: UInt64
        let connect: UInt64
    }

    init(
        spec: EdgeSpec, services: [EdgeService], certificates: [EdgeCertificate], accessShare: Percent
    ) throws(EdgeError) {
        self.spec = spec
        self.services = services
        let numbers = Dictionary(services.enumerated().map { ($1.name, $0) }) { first, _ in first }
        var routes: [CompiledRoute] = []
        for route in spec.routes { routes.append(try CompiledRoute(route, services: services, numbers: numbers)) }
        self.routes = routes
        trusted = TrustedNetworks(spec.trustedProxies)
        forwarding = ForwardingRules(spec.forwarding, trusted: trusted)
        let upgrades = routes.indices.filter { number in
            if case .redirect(let plan) = routes[number].action { plan.isUpgrade } else { false }
        }
        router = Router(
            routes: spec.routes.map(\.match), upgrades: Set(upgrades), trusted: trusted, isGuarded: forwarding.isGuarded
        )
        rules = CompiledHeaderRules(spec.headers)
        let secure = spec.listeners.first { $0.tls }
        securePort = secure?.publicPort ?? secure?.address.port ?? 443
        headLimits = HeadLimits(headBytes: spec.limits.head.bytes)
        let needsTLS = spec.listeners.contains { $0.tls }
        tls = certificates.isEmpty && !needsTLS ? nil : try ServerTLS(certificates, minimum: spec.tls.minVersion)
        timeouts = Timeouts(
            requestHead: UInt64(spec.timeouts.requestHead.nanoseconds), idle: UInt64(spec.timeouts.idle.nanoseconds),
            request: UInt64(spec.timeouts.request.nanoseconds), connect: UInt64(spec.timeouts.connect.nanoseconds))
        accessThreshold = UInt64((accessShare.fraction * 4_294_967_296).rounded())
    }
}

/// How a route reaches its service.
final class ServicePlan: Sendable {
    /// Number of the service in `EdgeSnapshot.services`.
    let service: Int
    let balance: ServiceRoute.Balance
    let retry: RetrySpec
    let retriesConnect: Bool
    let retriedStatuses: [Int]
    /// Nanoseconds.
    let timeout: UInt64
    /// What a request may say of the release it goes to; nil where it may say nothing.
    let wishes: ReleaseWishes?
    /// Some requests are copied to the canary.
    let mirrors: Bool
    /// The service's name: the Host of requests that name none.
    let host: [UInt8]

    init(
        service: Int, host: String, balance: ServiceRoute.Balance, retry: RetrySpec, timeout: UInt64,
        wishes: ReleaseWishes? = nil,
        mirrors: Bool = false
    ) {
        self.service = service
        self.host = Array(host.utf8)
        self.mirrors = mirrors
        self.wishes = wishes
        self.balance = balance
        self.retry = retry
        self.timeout = timeout
        retriesConnect = retry.on.contains(.connect)
        retriedStatuses = retry.on.compactMap { if case .status(let status) = $0 { status } else { nil } }
    }

    /// For requests of the edge's own.
    static let aside = ServicePlan(
        service: -1, host: "", balance: .roundRobin, retry: RetrySpec(attempts: 0, on: [], budget: Percent(0)),
        timeout: 60_000_000_000)

    /// Stands where no request is under way.
    static let none = ServicePlan(
        service: -1, host: "", balance: .roundRobin, retry: RetrySpec(attempts: 0, on: [], budget: Percent(0)),
        timeout: 0)
}

/// One route, ready to be followed.
final class CompiledRoute: Sendable {
    enum Action: Sendable {
        case service(ServicePlan)
        case redirect(RedirectPlan)
        case respond(LocalAnswer)
    }

    let template: String
    let action: Action
    /// It names TRACE among its methods: without that, no application is asked to show what it received.
    let takesTrace: Bool

    init(_ spec: RouteSpec, services: [EdgeService], numbers: [String: Int]) throws(EdgeError) {
        template = spec.template
        takesTrace = spec.match.methods.contains("TRACE")
        switch spec.action {
        case .service(let route):
            guard let number = numbers[route.service] else {
                throw EdgeError(
                    code: .unknownService,
                    message: "the route \(spec.template) leads to the service \(route.service), which is not there",
                    hint: "name one of: \(numbers.keys.sorted().joined(separator: ", "))")
            }
            action = .service(
                ServicePlan(
                    service: number, host: route.service, balance: route.balance, retry: route.retry,
                    timeout: UInt64(route.timeout.nanoseconds), wishes: ReleaseWishes(services[number]),
                    mirrors: services[number].mirror != nil))
        case .redirect(let redirect):
            action = .redirect(RedirectPlan(redirect))
        case .respond(let respond): action = .respond(.respond(respond))
        }
    }

    private init() {
        template = ""
        takesTrace = false
        action = .service(.none)
    }

    /// Stands where a request of the edge's own has no route.
    static let none = CompiledRoute()
}
