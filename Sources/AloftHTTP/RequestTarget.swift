/// Takes a request target apart by its form (RFC 9112 §3.2).
enum RequestTarget {
    /// Fills in path, query and, for the absolute and authority forms, authority.
    static func resolve(_ line: RequestLine, _ view: ByteView, into head: inout RequestHead) throws(FaultReason) {
        let target = line.target
        guard view[target.lowerBound] == 0x2F, line.method != .connect else {
            try resolveOtherForm(line, view, into: &head)
            return
        }
        let pathEnd = line.queryStart == 0 ? target.upperBound : line.queryStart
        head.path = ByteRange(target.lowerBound, pathEnd)
        head.query = line.queryStart == 0 ? .empty : ByteRange(pathEnd, target.upperBound)
        head.authority = .empty
        head.pathIsPlain = true
        if !line.hasCommonPath || view.mayHavePair(0x2F, 0x2F, 0x2E, target.lowerBound, pathEnd) {
            try examinePath(view, into: &head)
        }
    }

    @inline(never)
    private static func examinePath(_ view: ByteView, into head: inout RequestHead) throws(FaultReason) {
        switch PathCheck.examine(view.buffer, head.path) {
        case .plain: head.pathIsPlain = true
        case .needsCanonical: head.pathIsPlain = false
        case .refused(let reason): throw reason
        }
    }

    @inline(never)
    private static func resolveOtherForm(
        _ line: RequestLine, _ view: ByteView, into head: inout RequestHead
    ) throws(FaultReason) {
        head.path = .empty
        head.query = .empty
        head.authority = .empty
        head.pathIsPlain = true
        let target = line.target
        if line.method == .connect {
            try Authority.validate(view, target, needsPort: true)
            head.authority = target
        } else if target.count == 1, view[target.lowerBound] == 0x2A {
            guard line.method == .options else { throw .targetFormNotAllowed }
            head.path = target
            head.pathIsPlain = false
        } else {
            try resolveAbsoluteForm(line, view, into: &head)
        }
    }

    /// An empty path is `/`; its range is then that of the first `/` in the target. `OPTIONS` without path and query is the
    /// asterisk form, which the last proxy sends as such (RFC 9112 §3.2.4): the path stays empty.
    private static func resolveAbsoluteForm(
        _ line: RequestLine, _ view: ByteView, into head: inout RequestHead
    ) throws(FaultReason) {
        let target = line.target
        let bytes = view.buffer
        let start = target.lowerBound
        let schemeCount =
            hasPrefix(bytes, target, "http://") ? 7 : hasPrefix(bytes, target, "https://") ? 8 : 0
        guard schemeCount > 0 else { throw .targetFormNotAllowed }
        let pathEnd = line.queryStart == 0 ? target.upperBound : line.queryStart
        var authorityEnd = start &+ schemeCount
        while authorityEnd < pathEnd, view[authorityEnd] != 0x2F {
            if view[authorityEnd] == 0x40 { throw .userinfoInTarget }
            authorityEnd &+= 1
        }
        head.authority = ByteRange(start &+ schemeCount, authorityEnd)
        try Authority.validate(view, head.authority)
        if line.method == .options, authorityEnd == target.upperBound {
            head.pathIsPlain = false
            return
        }
        let slash = start &+ schemeCount &- 2
        head.path = authorityEnd < pathEnd ? ByteRange(authorityEnd, pathEnd) : ByteRange(slash, slash &+ 1)
        head.query = line.queryStart == 0 ? .empty : ByteRange(line.queryStart, target.upperBound)
        try examinePath(view, into: &head)
    }

    private static func hasPrefix(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange, _ prefix: StaticString) -> Bool {
        let count = prefix.utf8CodeUnitCount
        guard range.count >= count else { return false }
        return bytes.equalsIgnoringCase(ByteRange(range.lowerBound, range.lowerBound &+ count), prefix)
    }
}
