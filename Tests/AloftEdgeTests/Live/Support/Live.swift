import Testing

/// Tests of a live edge: one after the other, since many look at how long something takes.
@Suite("Live", .serialized)
struct Live {}
