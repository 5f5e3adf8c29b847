/// One entry of `edge.routes`.
package struct RouteSpec: Sendable, Hashable {
    package var match: RouteMatch
    package var action: RouteAction

    package init(match: RouteMatch, action: RouteAction) {
        self.match = match
        self.action = action
    }

    /// The route's name in metrics and logs: what it matches, never a request's own path.
    package var template: String { "\(match.host?.description ?? "")\(match.path)" }
}

/// Which requests a route takes: all that is given must fit.
package struct RouteMatch: Sendable, Hashable {
    package var host: HostPattern?
    package var path: PathPattern
    /// Empty is any. Upper case.
    package var methods: [String]
    /// Fields that must be present with exactly this value; names in lower case.
    package var headers: [HeaderRules.Field]

    package init(
        host: HostPattern? = nil, path: PathPattern = .prefix("/"), methods: [String] = [],
        headers: [HeaderRules.Field] = []
    ) {
        self.host = host
        self.path = path
        self.methods = methods
        self.headers = headers
    }
}

package enum PathPattern: Sendable, Hashable, CustomStringConvertible {
    /// `/health`: this path and no other.
    case exact(String)
    /// `/api/*`: kept with its closing slash, `/api/`; fits `/api/`, all below it, and `/api` itself.
    case prefix(String)

    package var description: String {
        switch self {
        case .exact(let path): path
        case .prefix(let path): "\(path)*"
        }
    }
}

package enum RouteAction: Sendable, Hashable {
    case service(ServiceRoute)
    case redirect(RedirectSpec)
    case respond(RespondSpec)
}

/// Sends the request to a replica of a service.
package struct ServiceRoute: Sendable, Hashable {
    package enum Balance: Sendable, Hashable {
        case roundRobin
        /// Two replicas at random, then the one with fewer requests under way (power of two choices).
        case leastRequests
        /// Two at random, then the one with the smaller product of decaying mean latency and requests under way.
        case ewma
        /// Consistent hashing of the client's address.
        case hash
    }

    package var service: String
    package var balance: Balance
    package var retry: RetrySpec
    /// Instead of `edge.timeouts.request`.
    package var timeout: Duration

    package init(service: String, balance: Balance, retry: RetrySpec, timeout: Duration) {
        self.service = service
        self.balance = balance
        self.retry = retry
        self.timeout = timeout
    }
}

/// `retry`: only requests that are safe to send twice (RFC 9110 §9.2.2), before any byte of an answer was passed on.
package struct RetrySpec: Sendable, Hashable {
    package enum Condition: Sendable, Hashable {
        /// Refused, timed out, or closed by the replica before the first byte of an answer.
        case connect
        /// This status: 502, 503 or 504.
        case status(Int)
    }

    /// Tries after the first one; 0 turns retries off.
    package var attempts: Int
    package var on: [Condition]
    /// Most retries as a share of the requests of the last ten seconds (never fewer than 3 a second in all).
    package var budget: Percent

    package init(attempts: Int, on: [Condition], budget: Percent) {
        self.attempts = attempts
        self.on = on
        self.budget = budget
    }
}

package struct RedirectSpec: Sendable, Hashable {
    /// Absolute URL or path; `${uri}` is the request's path and query, `${host}` its host without the port.
    package var to: String
    /// 301, 302, 303, 307 or 308.
    package var status: Int

    /// Leads to the same host and path by https: for clients that came by http.
    package var isUpgrade: Bool { to == "https://${host}${uri}" }

    package init(to: String, status: Int) {
        self.to = to
        self.status = status
    }
}

package struct RespondSpec: Sendable, Hashable {
    /// 200 to 599.
    package var status: Int
    package var body: String
    package var contentType: String

    package init(status: Int, body: String, contentType: String) {
        self.status = status
        self.body = body
        self.contentType = contentType
    }
}
