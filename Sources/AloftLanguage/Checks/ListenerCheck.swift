import AloftModel

/// Listeners that cannot all be opened, or that redirect to nowhere.
struct ListenerCheck {
    private let fields: Fields

    init(_ fields: Fields) { self.fields = fields }

    func report(to reader: inout Reader) {
        let listeners = fields[EdgeKeys.listeners]
        for (index, placed) in listeners.enumerated() {
            let listener = placed.item
            let span = (placed.node?[EdgeKeys.address.name] ?? placed.node)?.span ?? fields.span
            if let other = listeners[..<index].first(where: { Self.collide($0.item.address, listener.address) }) {
                reader.problems.error(
                    span, "`\(listener.address)` is already listened on by `\(other.item.address)`",
                    hint: "each listener needs an address or a port of its own")
            }
            if listener.redirectsToHTTPS, !listeners.contains(where: \.item.tls) {
                reader.problems.error(
                    span, "this listener redirects to https, and no listener speaks TLS",
                    hint: "add `{address: \"0.0.0.0:443\", tls: true}` to `edge.listeners`")
            }
        }
        report(publicPortsAmong: listeners, &reader)
        report(adminAmong: listeners, &reader)
    }

    /// `redirect: https` leads to the first listener with TLS, and to no other.
    private func report(publicPortsAmong listeners: [Placed<ListenerSpec>], _ reader: inout Reader) {
        let redirects = listeners.contains { $0.item.redirectsToHTTPS }
        let target = listeners.firstIndex { $0.item.tls }
        for (index, placed) in listeners.enumerated() where placed.item.tls {
            if placed.item.publicPort != nil, !redirects || index != target {
                let why =
                    redirects
                    ? "`redirect: https` leads to the first listener with TLS" : "no listener redirects to https"
                reader.problems.warning(
                    placed.node?[EdgeKeys.publicPort.name]?.span ?? fields.span,
                    "`publicPort` changes nothing: \(why)", hint: "remove it")
            }
            guard index == target, redirects, placed.item.publicPort == nil, placed.item.address.port == 0 else {
                continue
            }
            reader.problems.error(
                placed.node?[EdgeKeys.address.name]?.span ?? fields.span,
                "`redirect: https` leads to this listener, and its port is not known beforehand",
                hint: "write a port instead of 0, or `publicPort`")
        }
    }

    private func report(adminAmong listeners: [Placed<ListenerSpec>], _ reader: inout Reader) {
        guard let admin = fields[EdgeKeys.admin].address,
            let other = listeners.first(where: { Self.collide($0.item.address, admin) })
        else { return }
        let span = fields.has(EdgeKeys.admin) ? fields.span(EdgeKeys.admin) : fields.span(EdgeKeys.listeners)
        reader.problems.error(
            span, "the admin listener `\(admin)` and the listener `\(other.item.address)` are at the same address",
            hint: "write `admin: {address: \"127.0.0.1:9901\"}`, or `admin: off`")
    }

    /// The same port on the same address, or on one that stands for all of its family.
    private static func collide(_ left: Address, _ right: Address) -> Bool {
        guard left.port == right.port, left.port != 0 else { return false }
        guard left.host != right.host else { return true }
        let wildcards = ["0.0.0.0", "::"]
        guard wildcards.contains(left.host) || wildcards.contains(right.host) else { return false }
        return left.host.contains(":") == right.host.contains(":")
    }
}

/// Listeners with TLS need a certificate, and certificates a listener.
struct CertificateCheck {
    private let edge: EdgeSpec
    private let node: Node?

    init(_ edge: EdgeSpec, _ node: Node?) {
        self.edge = edge
        self.node = node
    }

    func report(to reader: inout Reader) {
        guard edge.tls.certificates.isEmpty, !wroteCertificates else { return }
        let listeners = node?[EdgeKeys.listeners.name]?.items ?? []
        for (index, listener) in edge.listeners.enumerated() where listener.tls && index < listeners.count {
            reader.error(
                listeners[index], "`\(listener.address)` speaks TLS, and `edge.tls.certificates` has no certificate",
                hint: "write for example `tls: {certificates: [{hosts: [localhost], selfSigned: true}]}`")
        }
    }

    /// Certificates that could not be read were reported themselves.
    private var wroteCertificates: Bool {
        !(node?[EdgeKeys.tls.name]?[TLSKeys.certificates.name]?.items ?? []).isEmpty
    }
}
