import AloftModel

/// A route's redirect, ready to be filled in.
struct RedirectPlan: Sendable {
    private enum Piece: Sendable {
        case text([UInt8])
        case uri, host
    }

    let status: Int
    private let pieces: [Piece]
    /// The request must name a host.
    let needsHost: Bool
    /// Leads to the same host and path by https.
    let isUpgrade: Bool

    init(_ spec: RedirectSpec) {
        status = spec.status
        isUpgrade = spec.isUpgrade
        var pieces: [Piece] = []
        var text: [UInt8] = []
        var rest = Array(spec.to.utf8)[...]
        while let byte = rest.first {
            guard let (piece, length) = Self.reference(rest) else {
                text.append(byte)
                rest = rest.dropFirst()
                continue
            }
            if !text.isEmpty { pieces.append(.text(text)) }
            text = []
            pieces.append(piece)
            rest = rest.dropFirst(length)
        }
        if !text.isEmpty { pieces.append(.text(text)) }
        self.pieces = pieces
        needsHost = pieces.contains { if case .host = $0 { true } else { false } }
    }

    private static func reference(_ text: ArraySlice<UInt8>) -> (Piece, length: Int)? {
        for (name, piece) in [("${uri}", Piece.uri), ("${host}", Piece.host)] where text.starts(with: name.utf8) {
            return (piece, name.utf8.count)
        }
        return nil
    }

    /// `uri` begins with `/`; `host` has no port.
    func location(uri: some Collection<UInt8>, host: some Collection<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .text(let text): result += text
            case .host: result += host
            // `//elsewhere.example/` at the start of a Location would be another host.
            case .uri where result.isEmpty:
                result.append(UInt8(ascii: "/"))
                result += uri.drop { $0 == UInt8(ascii: "/") }
            case .uri: result += uri
            }
        }
        return result
    }
}
