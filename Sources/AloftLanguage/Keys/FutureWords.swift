/// Keys of the finished language that nothing reads yet, by the section they will stand in, and what does meanwhile what
/// each will do.
///
/// A section is accepted only once something reads it: a key that parses and changes nothing would promise what Aloft
/// does not do. Remove a word here when its declaration arrives. Messages, `aloft explain` and the page "Not there yet"
/// say the same sentence.
enum FutureWords {
    struct Word: Sendable {
        /// `SectionForm.name` of the section that it will stand in.
        var section: String
        var name: String
        /// What it will do: a noun phrase.
        var promise: String
        /// What to do until then: one or two sentences.
        var meanwhile: String

        /// `edge.rateLimits`, `services.*.static`.
        var path: String { (FutureWords.places[section] ?? "") + name }
    }

    static func word(_ name: String, in section: String) -> Word? {
        all.first { $0.section == section && $0.name == name }
    }

    static func contains(_ name: String, in section: String) -> Bool { word(name, in: section) != nil }

    /// Words that a path leads to or through: `databases.main.engine`, `edge.cache`, `cache`.
    static func words(at steps: [String]) -> [Word] {
        let wanted = steps.filter { $0 != "[]" }
        if wanted.count == 1 { return all.filter { $0.name == wanted[0] } }
        return all.filter { word in
            let own = KeyIndex.steps(of: word.path).filter { $0 != "[]" }
            return own.count <= wanted.count && zip(own, wanted).allSatisfy { $0 == "*" || $1 == "*" || $0 == $1 }
        }
    }

    /// Where the sections stand in a file.
    private static let places = [
        "file": "", "service": "services.*.", "metric": "services.*.scaling.metrics[].",
        "analysis": "services.*.deploy.analysis.", "edge": "edge.", "listener": "edge.listeners[].",
        "certificate": "edge.tls.certificates[].", "headers": "edge.headers.", "route": "edge.routes[].",
    ]

    /// What `${...}` will be able to name.
    static let references: Set<String> = ["databases", "caches", "secrets", "services", "externals", "files"]

    /// In the order of the page.
    static let all: [Word] = file + services + edge + routes

    private static func word(_ section: String, _ name: String, _ promise: String, _ meanwhile: String) -> Word {
        Word(section: section, name: name, promise: promise, meanwhile: meanwhile)
    }

    private static let file = [
        word(
            "file", "databases", "PostgreSQL with replicas, pooling, backups and restore drills",
            "Run the database with the system's package or with compose, and hand its address to the app: "
                + "`env: {DATABASE_URL: \"${env.DATABASE_URL}\"}`. Back it up with pgBackRest or `pg_dump` from cron."),
        word(
            "file", "caches", "Redis or Valkey under supervision",
            "Run it with the system's package or with compose, and hand its address to the app: "
                + "`env: {REDIS_URL: \"${env.REDIS_URL}\"}`."),
        word(
            "file", "secrets", "secrets that are generated, rotated and never printed",
            "Keep them in a file that only the app's user can read, and name it in the service's `envFiles`; or load it where "
                + "`aloft up` is started (`EnvironmentFile=` of a systemd unit), and write `env: {NAME: \"${env.NAME}\"}`."
        ),
        word(
            "file", "files", "folders of uploads, with backups",
            "Keep uploads in a folder outside the app's own, and back it up with restic or borg from cron."),
        word(
            "file", "repositories", "where backups go",
            "Configure the target in the tool that makes the backup, such as restic or pgBackRest."),
        word(
            "file", "externals", "a gateway for what the app calls outside, with retries, breakers and caching",
            "Let the app call the other side itself, with time-outs and retries of its HTTP client."),
        word(
            "file", "objectives", "service level objectives with error budgets",
            "Let Prometheus read `/metrics` of the admin listener, and keep objectives in its rules."),
        word(
            "file", "alerts", "alert rules with the defaults that everybody expects",
            "Write alert rules in Prometheus over `/metrics` of the admin listener. `notifications` already tells of "
                + "crashes and failed deploys."),
        word(
            "file", "traces", "spans of the edge, sent by OTLP",
            "Let the app export spans with OpenTelemetry's own library; the edge passes `traceparent` on unchanged."),
        word(
            "file", "webVitals", "page speed as visitors measure it",
            "Send what the `web-vitals` library measures to a path of the app."),
        word("file", "load", "load tests from the file", "Run k6, wrk or hey against a listener's address."),
        word(
            "file", "launch", "a checklist before the first visitor",
            "Keep the list in the repository; `aloft plan` names what the file does not guarantee."),
        word("file", "budgets", "limits on what the machines cost", "Set a budget with the provider of the machines."),
        word(
            "file", "compliance", "where data may live, and how long audits are kept",
            "Record it outside of Aloft; `aloft history` and `aloft events` have who changed what."),
        word(
            "file", "targets", "the same file on Kubernetes or a cloud",
            "Run one daemon on each machine, with a load balancer in front of them."),
    ]

    private static let services = [
        word(
            "service", "secrets", "secrets in a service's environment, by name",
            "Write `envFiles: [.env]`, or `env: {NAME: \"${env.NAME}\"}`: the value comes from the environment of `aloft up`."
        ),
        word(
            "service", "static", "files that the edge itself sends",
            "Let a program send them, such as `command: [python3, -m, http.server, \"${PORT}\", --bind, 127.0.0.1, "
                + "--directory, dist]`, or the app's framework; a CDN in front takes the load off it."),
        word(
            "service", "fallback", "the page for unknown paths of a single-page application",
            "Let the program that sends the files answer unknown paths with `index.html`."),
        word(
            "metric", "query", "scaling by a query over all metrics",
            "Use `{series: NAME, path: /metrics, target: 100}`, a number that the app itself publishes."),
        word(
            "analysis", "queries", "judging a release by queries over all metrics",
            "Use `maxErrorRate`, `maxLatency` and `comparedToStable`. Whoever sees more can run `aloft abort`."),
    ]

    private static let edge = [
        word(
            "certificate", "acme", "certificates from Let's Encrypt, by themselves",
            "Get them with certbot or lego, name the two files in `files`, and let the renewal's hook run "
                + "`aloft reload`."),
        word(
            "listener", "http", "HTTP/2 and HTTP/3",
            "Leave it out: listeners speak HTTP/1.1. A CDN in front speaks the others with browsers."),
        word(
            "edge", "rateLimits", "limits on requests by address, route or user",
            "Limit requests in the app or its framework. `limits: {connectionsPerAddress: 200}` bounds connections."),
        word(
            "edge", "cors", "answers to browsers that ask across origins",
            "Let the app answer them, or set what is fixed: "
                + "`headers: {set: {Access-Control-Allow-Origin: \"https://example.com\"}}`."),
        word(
            "edge", "compression", "compressed answers",
            "Compress in the app or its framework; compressed answers pass the edge as they are."),
        word(
            "edge", "cache", "cached answers",
            "Send `Cache-Control` from the app: browsers, and a CDN in front, obey it."),
        word(
            "edge", "firewall", "rules against attacks, by address, country and pattern",
            "Close addresses out with nftables. A CDN with a firewall can stand in front; name its networks in "
                + "`trustedProxies`."),
        word(
            "edge", "authentication", "sessions and tokens checked before a request reaches the app",
            "Check them in the app, or let oauth2-proxy stand in front of it as a service of its own."),
        word(
            "edge", "loadShedding", "refusing early what could not be answered in time",
            "`limits`, `timeouts` and probes bound what waits; `scaling` by `requestsPerReplica` adds replicas before that."
        ),
        word(
            "edge", "defaults", "settings for all routes at once",
            "Write them at each route. A YAML anchor below a key that begins with `x-` saves repeating them."),
        word(
            "edge", "errorPages", "pages of your own for the edge's errors",
            "The app's own error pages pass the edge as they are. A route with `respond` can answer for a whole site, as in "
                + "`respond: {status: 503, body: \"back soon\"}`."),
        word(
            "headers", "preset", "a set of security headers by one word",
            "Write them out: `set: {X-Content-Type-Options: nosniff, X-Frame-Options: DENY}`."),
        word(
            "headers", "hsts", "Strict-Transport-Security",
            "Write it out: `set: {Strict-Transport-Security: \"max-age=63072000; includeSubDomains\"}`."),
        word(
            "headers", "contentSecurityPolicy", "Content-Security-Policy",
            "Write it out: `set: {Content-Security-Policy: \"default-src 'self'\"}`."),
    ]

    private static let routes = [
        word(
            "route", "rateLimits", "limits on requests of this route",
            "Limit them in the app. `limits: {connectionsPerAddress: 200}` of `edge` bounds connections."),
        word(
            "route", "cache", "cached answers of this route",
            "Send `Cache-Control` from the app: browsers, and a CDN in front, obey it."),
        word(
            "route", "authenticate", "who may use this route",
            "Check it in the app, or let oauth2-proxy stand in front of it as a service of its own."),
        word(
            "route", "sticky", "the same replica for the same visitor",
            "Keep sessions where all replicas find them. In a canary, `deploy.canary.sticky` keeps visitors at their release."
        ),
        word(
            "route", "circuitBreaker", "a pause for a service that fails",
            "A readiness probe takes a replica that fails out of rotation, and `retry` has a budget."),
        word(
            "route", "outlier", "a pause for the one replica that answers worst",
            "A readiness probe takes a replica that fails out of rotation; a liveness probe restarts it."),
        word(
            "route", "validate", "requests checked against an OpenAPI document",
            "Validate in the app, with its framework's OpenAPI middleware."),
        word(
            "route", "images", "pictures in the size and format that fit",
            "Resize at upload, or let an image CDN do it."),
        word(
            "route", "earlyHints", "103 answers that name what a page needs",
            "Send `Link: </app.css>; rel=preload; as=style` with the page."),
        word(
            "route", "loadShedding", "refusing early what this route could not answer in time",
            "A shorter `timeout` of the route bounds what waits."),
        word(
            "route", "errorPages", "pages of your own for errors of this route",
            "The app's own error pages pass the edge as they are."),
    ]
}
