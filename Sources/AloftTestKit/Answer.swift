/// One HTTP/1.1 answer as it came over the wire.
package struct Answer: Sendable, Equatable {
    package var status: Int
    package var reason: String
    /// In the order they came; names in lower case.
    package var fields: [(name: String, value: String)]
    package var body: [UInt8]

    package static func == (left: Answer, right: Answer) -> Bool {
        left.status == right.status && left.reason == right.reason && left.body == right.body
            && left.fields.elementsEqual(right.fields, by: ==)
    }

    /// Value of the first field of this name (in lower case).
    package subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    package var text: String { String(decoding: body, as: UTF8.self) }

    /// True where the server said that it closes the connection.
    package var closes: Bool { self["connection"]?.lowercased() == "close" }
}

extension RawConnection {
    /// Sends a GET (or what `method` says) without a body and reads the answer.
    package func get(_ path: String, method: String = "GET", host: String = "localhost") throws -> Answer {
        try send("\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        return try answer(toHEAD: method == "HEAD")
    }

    /// Reads the next final answer; 1xx ones before it are skipped.
    ///
    /// - Throws: `KitError.missing` where the connection ends before the first byte, `KitError.malformed` where it
    ///   ends within an answer or the answer is not HTTP.
    package func answer(toHEAD: Bool = false) throws -> Answer {
        while true {
            var answer = try head()
            if (100..<200).contains(answer.status), answer.status != 101 { continue }
            if toHEAD || answer.status == 101 || answer.status == 204 || answer.status == 304 { return answer }
            answer.body = try body(of: answer)
            return answer
        }
    }

    /// Reads one head, 1xx or final.
    package func head() throws -> Answer {
        let first = try readLine()
        guard !first.isEmpty else { throw KitError.missing("the connection closed before an answer") }
        let words = line(first).split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw KitError.malformed("status line \(line(first).prefix(100))")
        }
        var fields: [(name: String, value: String)] = []
        while true {
            let bytes = try readLine()
            guard bytes.last == 0x0A else { throw KitError.malformed("the connection closed within a head") }
            let text = line(bytes)
            if text.isEmpty { break }
            guard let colon = text.firstIndex(of: ":") else { throw KitError.malformed("field \(text)") }
            let value = text[text.index(after: colon)...].drop { $0 == " " }
            fields.append((text[..<colon].lowercased(), String(value)))
        }
        return Answer(status: status, reason: words.count > 2 ? String(words[2]) : "", fields: fields, body: [])
    }

    private func body(of answer: Answer) throws -> [UInt8] {
        if answer["transfer-encoding"]?.lowercased() == "chunked" { return try chunks() }
        guard let length = answer["content-length"].flatMap({ Int($0) }) else { return try readToEnd() }
        let body = try read(length)
        guard body.count == length else { throw KitError.malformed("the connection closed within a body") }
        return body
    }

    private func chunks() throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let head = line(try readLine()).prefix { $0 != ";" }
            guard let size = Int(head, radix: 16) else { throw KitError.malformed("chunk size \(head)") }
            if size == 0 {
                while try readLine().count > 2 {}
                return body
            }
            let chunk = try read(size + 2)
            guard chunk.count == size + 2 else { throw KitError.malformed("the connection closed within a chunk") }
            body += chunk.dropLast(2)
        }
    }

    private func line(_ bytes: [UInt8]) -> String {
        var end = bytes.count
        while end > 0, bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D { end -= 1 }
        return String(decoding: bytes[..<end], as: UTF8.self)
    }
}

/// Opens a connection, asks for one thing, closes it.
package func fetch(
    _ path: String, at target: RawConnection.Target, method: String = "GET", host: String = "localhost",
    timeout: Duration = .seconds(20)
) async throws -> Answer {
    try await onThread {
        try RawConnection(to: target, timeout: timeout).get(path, method: method, host: host)
    }
}
