import AloftScaling
import Testing

@Suite("A page of metrics")
struct MetricsTextTests {
    private func sum(_ name: String, _ page: String) throws -> Double {
        try MetricsText.sum(of: name, in: Array(page.utf8))
    }

    @Test("adds up the label sets of one name, and passes over timestamps, exemplars and comments")
    func sums() throws {
        let page = """
            # HELP orders_pending Waiting orders
            # TYPE orders_pending gauge
            orders_pending{shop="a",note="br}ace \\" and quote"} 12 1795262400000
            orders_pending{shop="b"} 3.5e1 # {trace_id="x"} 0.5 1795262400
            orders_pending_total 900
            orders_pending 3\r
            other{orders_pending="7"} 1
            # EOF
            """
        #expect(try sum("orders_pending", page) == 50)
        #expect(try sum("orders_pending_total", page) == 900)
        #expect(try sum("other", page) == 1)
        #expect(try sum("x", "  x   -2\n\nx{} 5") == 3)
    }

    @Test(
        "what has no number is missing, with the reason",
        arguments: [
            ("", "the page has no sample of x"), ("y 1", "the page has no sample of x"),
            ("x NaN", "line 1: x is NaN or infinite"), ("a 1\nx{l=\"1\"} +Inf", "line 2: x is NaN or infinite"),
            ("x{l=\"1\" 5", "line 1 is no sample"), ("x ", "line 1 is no sample"), ("x five", "line 1 is no sample"),
            ("x 1e308\nx 1e308", "line 2: x is NaN or infinite"),
        ])
    func problems(page: String, message: String) {
        let problem = #expect(throws: MetricsText.Problem.self) { try sum("x", page) }
        #expect(problem?.description == message)
    }

    @Test("a page that is too long is refused unread")
    func limits() {
        let page = [UInt8](repeating: 0x20, count: MetricsText.maxBytes + 1)
        #expect(throws: MetricsText.Problem.tooLarge(page.count)) { try MetricsText.sum(of: "x", in: page) }
        let lines = [UInt8](repeating: 0x0A, count: MetricsText.maxLines + 1)
        #expect(throws: MetricsText.Problem.tooManyLines) { try MetricsText.sum(of: "x", in: lines) }
    }
}
