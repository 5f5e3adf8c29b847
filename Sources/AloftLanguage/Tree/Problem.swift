/// A problem with its place, before the source line is added.
struct Problem: Sendable, Hashable {
    struct Note: Sendable, Hashable {
        var span: Span
        var message: String
    }

    var severity: Diagnostic.Severity = .error
    var span: Span
    var message: String
    var hint: String?
    var notes: [Note] = []
}

/// Gathers problems: each only once however often an alias repeats it, and at most `limit` of them.
struct Problems: Sendable {
    /// More tell nobody anything.
    static let limit = 1000

    private(set) var all: [Problem] = []
    private var seen: Set<Problem> = []
    /// Errors that were reported, those counted again that were known already.
    private(set) var errorReports = 0

    mutating func add(_ problem: Problem) {
        if problem.severity == .error { errorReports += 1 }
        guard all.count < Self.limit, seen.insert(problem).inserted else { return }
        all.append(problem)
    }

    mutating func error(_ span: Span, _ message: String, hint: String? = nil) {
        add(Problem(span: span, message: message, hint: hint))
    }

    mutating func warning(_ span: Span, _ message: String, hint: String? = nil) {
        add(Problem(severity: .warning, span: span, message: message, hint: hint))
    }

    /// Adds a note to all problems from the `start`-th on.
    mutating func annotate(from start: Int, _ note: Problem.Note) {
        for index in all.indices.dropFirst(start) { all[index].notes.append(note) }
    }

    /// Whether it is still worth the time to look for what a misspelled word may stand for.
    var takesHints: Bool { all.count < 50 }

    var hasErrors: Bool { all.contains { $0.severity == .error } }
}
