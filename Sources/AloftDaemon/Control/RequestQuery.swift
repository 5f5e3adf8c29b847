import AloftModel
import Hummingbird

/// The query of a request, with an error for every value that is not what the path takes.
struct RequestQuery {
    private let values: [(name: String, value: String)]

    init(_ request: Request) {
        self.init(request.uri.queryParameters.map { (String($0.key), String($0.value)) })
    }

    init(_ values: [(String, String)]) { self.values = values }

    /// The last value of that name.
    subscript(name: String) -> String? { values.last { $0.name == name }?.value }

    /// A misspelt parameter is an error, since ignoring it would answer another question.
    func allow(_ names: [String]) throws(ControlFailure) {
        for (name, _) in values where !names.contains(name) {
            throw ControlFailure(
                .badRequest, "there is no parameter `\(name)` here", hint: "known: \(names.joined(separator: ", "))")
        }
    }

    func number(_ name: String, in range: ClosedRange<Int>) throws(ControlFailure) -> Int? {
        guard let text = self[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw ControlFailure(
                .badRequest, "`\(name)` is a number from \(range.lowerBound) to \(range.upperBound), not `\(text)`")
        }
        return number
    }

    func time(_ name: String) throws(ControlFailure) -> Timestamp? {
        guard let text = self[name] else { return nil }
        guard let time = Timestamp(rfc3339: text) else {
            throw ControlFailure(
                .badRequest, "`\(name)` is a time such as 2026-11-20T22:12:20Z, not `\(text)`")
        }
        return time
    }

    /// `true` or `false`; absent is false.
    func flag(_ name: String) throws(ControlFailure) -> Bool {
        switch self[name] {
        case nil, "false": return false
        case "true", "": return true
        case .some(let text): throw ControlFailure(.badRequest, "`\(name)` is true or false, not `\(text)`")
        }
    }
}
