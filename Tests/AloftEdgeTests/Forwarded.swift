import AloftHTTP
import AloftModel
import Foundation
import NIOCore
import Testing

@testable import AloftEdge

/// The head that a replica of the service `web` gets for a request.
func forwarded(
    _ text: String, _ spec: ForwardingSpec = ForwardingSpec(), peer: String = "192.0.2.7", isTLS: Bool = false,
    isTrusted: Bool = false, trusted: [Network] = []
) -> String {
    Array(text.utf8).withUnsafeBytes { bytes in
        var head = RequestHead()
        var parser = RequestParser(limits: HeadLimits())
        #expect(parser.parse(bytes, into: &head) == .complete, "\(text)")
        var buffer = ByteBuffer()
        RequestForwarding.write(
            head, from: bytes, client: ClientFacts(peerText: Array(peer.utf8), isTLS: isTLS, isTrusted: isTrusted),
            id: RequestID(high: 1, low: 0xff),
            plan: ServicePlan(
                service: 0, host: "web", balance: .roundRobin,
                retry: RetrySpec(attempts: 0, on: [], budget: Percent(0)),
                timeout: 1),
            rules: ForwardingRules(spec, trusted: TrustedNetworks(trusted)), into: &buffer)
        return String(buffer: buffer)
    }
}

/// The values of a field of such a head, without those of others whose names differ only by case.
func values(of name: String, in head: String) -> [String] {
    head.components(separatedBy: "\r\n").compactMap { line in
        guard line.lowercased().hasPrefix(name.lowercased() + ":") else { return nil }
        return line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
    }
}
