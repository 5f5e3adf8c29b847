/// One key whose value differs between two plans.
package struct PlanChange: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Hashable, Codable { case added, removed, changed }

    /// `services.web.probes.readiness.period`, `edge.routes[/api/*].timeout`.
    package var path: String
    package var kind: Kind
    /// As the file spells it, on one line; nil where added, and where neither may be shown: the content of `envFiles`.
    package var old: String?
    /// Nil where removed.
    package var new: String?
    /// `is a new release of web, rolled out by its deploy`, `takes effect at once`.
    package var effect: String
    /// The service whose replicas must be replaced for it, if any.
    package var restarts: String?

    package init(path: String, kind: Kind, old: String?, new: String?, effect: String, restarts: String? = nil) {
        self.path = path
        self.kind = kind
        self.old = old
        self.new = new
        self.effect = effect
        self.restarts = restarts
    }
}
