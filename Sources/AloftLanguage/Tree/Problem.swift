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

/// Gathers problems, each only once however often an alias repeats it.
struct Problems: Sendable {
    /// Errors that are kept, and as many warnings; more tell nobody anything. Counted apart, so that no number of
    /// warnings ever hides an error.
    static let limit = 500

    private(set) var all: [Problem] = []
    private var seen: Set<Problem> = []
    private var errors = 0
    /// Errors that were reported, those counted again that were known already.
    private(set) var errorReports = 0

    mutating func add(_ problem: Problem) {
        let isError = problem.severity == .error
        if isError { errorReports += 1 }
        let kept = isError ? errors : all.count - errors
        guard kept < Self.limit, seen.insert(problem).inserted else { return }
        if isError { errors += 1 }
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

    /// One more error would not be kept.
    var isFull: Bool { errors >= Self.limit }

    var hasErrors: Bool { errors > 0 }
}
