import AloftHTTP

/// Writes a request as a gateway would forward it and reads it back: an upstream must find the same request in it.
enum Forwarding {
    static func violation(_ bytes: UnsafeRawBufferPointer, _ head: RequestHead) -> String? {
        let forwarded = serialised(bytes, head)
        return forwarded.withUnsafeBytes { copy -> String? in
            var parser = RequestParser(limits: HeadLimits())
            var again = RequestHead()
            guard parser.parse(copy, into: &again) == .complete else { return "what is forwarded is refused" }
            guard again.byteCount == copy.count else { return "what is forwarded ends early" }
            guard again.framing == head.framing else { return "what is forwarded is framed otherwise" }
            let isAsterisk = head.method == .options && head.path.isEmpty
            guard again.method == head.method, copy.text(again.path) == (isAsterisk ? "*" : bytes.text(head.path)),
                copy.text(again.query) == bytes.text(head.query), again.pathIsPlain == head.pathIsPlain
            else { return "what is forwarded asks for something else" }
            guard copy.text(again.authority) == bytes.text(head.authority) || head.authority.isEmpty else {
                return "what is forwarded asks another host"
            }
            return canonicalViolation(bytes, head)
        }
    }

    /// Origin form, the fields that are not hop-by-hop, and the framing anew.
    private static func serialised(_ bytes: UnsafeRawBufferPointer, _ head: RequestHead) -> [UInt8] {
        var output: [UInt8] = []
        func add(_ range: ByteRange) { output += bytes[range.lowerBound..<range.upperBound] }
        func add(_ text: StaticString) { output += Array("\(text)".utf8) }
        add(head.methodName)
        add(" ")
        if head.method == .options, head.path.isEmpty { add("*") }
        add(head.method == .connect ? head.authority : head.path)
        add(head.query)
        add(" HTTP/1.1\r\n")
        if !head.fields.contains(where: { $0.known == .host }) {
            add("Host: ")
            head.authority.isEmpty ? add("localhost") : add(head.authority)
            add("\r\n")
        }
        for field in head.fields where !field.isHopByHop {
            add(field.name)
            add(": ")
            add(field.value)
            add("\r\n")
        }
        if head.framing == .chunked { add("Transfer-Encoding: chunked\r\n") }
        add("\r\n")
        return output
    }

    /// The path that routes are matched on has no segment that climbs, no empty one, and no escape that hides a letter.
    private static func canonicalViolation(_ bytes: UnsafeRawBufferPointer, _ head: RequestHead) -> String? {
        guard !head.path.isEmpty, bytes[head.path.lowerBound] == UInt8(ascii: "/") else { return nil }
        let path = withUnsafeTemporaryAllocation(byteCount: head.path.count, alignment: 1) { output in
            Array(output[..<PathCheck.canonical(bytes, head.path, into: output)])
        }
        if head.pathIsPlain, path != Array(bytes[head.path.lowerBound..<head.path.upperBound]) {
            return "a path called plain is not canonical"
        }
        let separators: [UInt8] = [UInt8(ascii: "/"), UInt8(ascii: "\\")]
        let segments = path.dropFirst().split(omittingEmptySubsequences: false) { separators.contains($0) }
        for segment in segments {
            let name = segment.prefix { $0 != UInt8(ascii: ";") }
            if name.elementsEqual([0x2E]) || name.elementsEqual([0x2E, 0x2E]) { return "a path climbs" }
        }
        if zip(path, path.dropFirst()).contains(where: { $0 == 0x2F && $1 == 0x2F }) {
            return "a path has an empty segment"
        }
        return path.contains { $0 < 0x20 || $0 == 0x7F } ? "a path has a control byte" : nil
    }
}
