import AloftHTTP

/// Why a replica's answer was refused: a sentence that anyone may read, and for the log what was refused and where.
struct AnswerRefusal: Sendable, Equatable {
    /// More interim answers to one request than are passed on.
    static let tooManyInterim = AnswerRefusal(sentence: "There are more interim answers (1xx) than the limit.")
    /// 101 to a request that asked for no other protocol.
    static let unaskedUpgrade = AnswerRefusal(
        sentence: "It switches to another protocol (101), which the request did not ask for.")

    let sentence: String
    /// Such as `field X-Name, byte 0x01`; empty where the sentence says it all.
    let place: String

    private init(sentence: String, place: String = "") {
        self.sentence = sentence
        self.place = place
    }

    /// A refused head.
    init(_ reason: FaultReason, at site: FaultSite?) {
        var parts: [String] = []
        if let site {
            if site.isInStatusLine { parts.append("status line") }
            if let field = site.field { parts.append("field \(field)") }
            if reason.isAboutOneByte { parts.append("byte \(Self.hexadecimal(site.byte)) at \(site.offset)") }
        }
        self.init(sentence: reason.sentence, place: parts.joined(separator: ", "))
    }

    /// A refused chunk.
    init(_ reason: FaultReason, chunkByte: UInt8?) {
        self.init(
            sentence: reason.sentence,
            place: "chunked body" + (chunkByte.map { ", byte \(Self.hexadecimal($0))" } ?? ""))
    }

    /// For the log.
    var text: String { place.isEmpty ? sentence : "\(sentence) (\(place))" }

    /// For the client.
    var message: String { "The application's answer was refused. \(sentence)" }

    private static func hexadecimal(_ byte: UInt8) -> String {
        "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}

extension FaultReason {
    /// The byte at which the fault was found says what is wrong.
    fileprivate var isAboutOneByte: Bool {
        switch self {
        case .invalidStatusLine, .bareCarriageReturn, .bareLineFeed, .obsoleteFolding, .spaceBeforeColon,
            .invalidFieldName, .missingColon, .invalidFieldValue, .invalidContentLength:
            true
        default: false
        }
    }
}
