import AloftHTTP

/// `Max-Forwards` of OPTIONS and TRACE: how many more gateways a request may pass (RFC 9110 §7.6.2).
enum MaxForwards: Equatable {
    case absent
    /// Two of them, or no number.
    case malformed
    case left(Int)

    /// More than this is forwarded as this.
    static let most = 255

    init(_ head: borrowing RequestHead, in bytes: UnsafeRawBufferPointer) {
        var reading = MaxForwards.absent
        for field in head.fields where bytes.equalsIgnoringCase(field.name, "max-forwards") {
            guard reading == .absent, !field.value.isEmpty else {
                self = .malformed
                return
            }
            for offset in field.value.lowerBound..<field.value.upperBound where bytes[offset] &- 0x30 > 9 {
                self = .malformed
                return
            }
            // A number past 63 bits is still a number.
            reading = .left(min(bytes.decimal(field.value) ?? Self.most + 1, Self.most + 1))
        }
        self = reading
    }
}
