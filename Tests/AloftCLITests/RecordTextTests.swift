import AloftModel
import Testing

@testable import AloftCLI

@Suite("Lines of `aloft logs`")
struct RecordTextTests {
    private func record(_ content: String, stream: String = "stdout") throws -> PrintedLine {
        let line =
            #"{"time":"2026-11-20T22:12:20.041Z","service":"web","replica":"web-1","stream":"\#(stream)",\#(content)}"#
        return try #require(PrintedLine(Array(line.utf8)), "\(line)")
    }

    /// Without the time and the replica.
    private func shown(_ json: String) throws -> String {
        let text = RecordText(palette: .plain).render(try record("\"json\":" + json))
        #expect(text.hasPrefix("22:12:20.041  web-1  "), "\(text)")
        return String(text.dropFirst("22:12:20.041  web-1  ".count))
    }

    @Test("a line of text names its time and replica; stderr is marked by colour alone")
    func plainLine() throws {
        let line = try record(#""line":"GET /\u001b[2J""#, stream: "stderr")
        #expect(RecordText(palette: .plain).render(line) == "22:12:20.041  web-1  GET /\\x1b[2J")
        #expect(
            RecordText(palette: Palette(isColoured: true)).render(line)
                == "\u{1B}[2m22:12:20.041\u{1B}[0m  \u{1B}[36mweb-1\u{1B}[0m  \u{1B}[33mGET /\\x1b[2J\u{1B}[0m")
    }

    @Test(
        "records of the usual loggers are level, message, and the rest in its order",
        arguments: [
            // pino
            (
                #"{"level":30,"time":1795212740041,"pid":7,"hostname":"h","msg":"request completed","status":200}"#,
                "info   request completed  status=200"
            ),
            // bunyan
            (
                #"{"name":"api","hostname":"h","pid":7,"level":50,"msg":"no","time":"2026-11-20T22:12:20.041Z","v":0}"#,
                "error  no  name=api"
            ),
            // zap
            (
                #"{"level":"warn","ts":1795212740.041,"caller":"a/b.go:3","msg":"slow query","took":1.5}"#,
                "warn   slow query  caller=a/b.go:3 took=1.5"
            ),
            // Micro- and nanoseconds, as text, and with an exponent
            (#"{"level":"info","ts":1795212740041000,"msg":"m"}"#, "info   m"),
            (#"{"level":"info","ts":1795212740041000000,"msg":"m"}"#, "info   m"),
            (#"{"level":"info","ts":"1795212740041","msg":"m"}"#, "info   m"),
            (#"{"level":"info","ts":1.795212740041E9,"msg":"m"}"#, "info   m"),
            (#"{"level":"info","ts":1.795212740041e+12,"msg":"m"}"#, "info   m"),
            // logrus and slog
            (
                #"{"time":"2026-11-20T22:12:20.041Z","level":"INFO","msg":"started","addr":":8080"}"#,
                "info   started  addr=:8080"
            ),
            // structlog
            (
                #"{"event":"user created","level":"critical","timestamp":"2026-11-20T22:12:20.041Z","id":9}"#,
                "fatal  user created  id=9"
            ),
            // ECS, dotted and nested
            (
                #"{"@timestamp":"2026-11-20T22:12:20.041Z","log.level":"DEBUG","message":"m","ecs.version":"1.2"}"#,
                "debug  m  ecs.version=1.2"
            ),
            (
                #"{"@timestamp":"2026-11-20T22:12:20.041Z","log":{"level":"error","logger":"x.Y"},"message":"m"}"#,
                "error  m  log.logger=x.Y"
            ),
            // log4j
            (
                #"{"timestamp":"2026-11-20T22:12:20.041+0000","level":"WARN","thread":"main","message":"m"}"#,
                "warn   m  thread=main"
            ),
            // Serilog
            (#"{"@t":"2026-11-20T22:12:20.041Z","@mt":"Hello {Who}","Who":"you"}"#, "Hello {Who}  Who=you"),
            // Monolog
            (
                #"{"message":"m","context":{},"level":400,"level_name":"ERROR","channel":"app"}"#,
                "error  m  context={} channel=app"
            ),
            // tracing
            (
                #"{"timestamp":"2026-11-20T22:12:20.041Z","level":"INFO","fields":{"message":"m","n":1},"target":"t"}"#,
                "info   m  target=t n=1"
            ),
            // Google Cloud, GELF, winston with colours
            (#"{"severity":"NOTICE","message":"m"}"#, "notice  m"),
            (#"{"version":"1.1","short_message":"m","level":3}"#, "error  m  version=1.1"),
            (#"{"level":"\u001b[32minfo\u001b[39m","message":"m"}"#, "info   m"),
        ])
    func loggers(json: String, text: String) throws {
        #expect(try shown(json) == text)
    }

    @Test("values are one word or in quotes, nested ones compact, and an object that is no logger's stays whole")
    func values() throws {
        #expect(
            try shown(#"{"msg":"m","a":"two words","b":"","c":null,"d":true,"e":"x=\"y\"","f":{ "g": [1, "h i"] }}"#)
                == #"m  a="two words" b="" c=null d=true e="x=\"y\"" f={"g":[1,"h i"]}"#)
        #expect(try shown(#"{ "a" : 1, "b": [ ] }"#) == #"{"a":1,"b":[]}"#)
        #expect(try shown(#"{"msg":{"a":1},"level":30}"#) == #"info   msg={"a":1}"#)
        #expect(try shown("{}") == "{}")
    }

    @Test("control characters are spelled out, line breaks as people write them")
    func controls() throws {
        #expect(
            try shown(#"{"msg":"a\nb\u001b[31m\u009b","k\u0007":"\r\u0000é","n":{"x":"\u001b"}}"#)
                == #"a\nb\x1b[31m\x9b  k\x07="\r\x00é" n={"x":"\u001b"}"#)
        let raw = try record("\"json\":{\"msg\":\"\u{9B}2J\",\"n\":[\"\u{9B}\"]}")
        #expect(RecordText(palette: .plain).render(raw).hasSuffix(#"\x9b2J  n=["\x9b"]"#))
    }

    @Test("an app's own time stands in for ours, unless its clock is another one")
    func times() throws {
        let text = RecordText(palette: .plain)
        let near = try record(#""json":{"msg":"m","time":"2026-11-20T23:12:19.5+01:00"}"#)
        #expect(text.render(near) == "22:12:19.500  web-1  m")
        let far = try record(#""json":{"msg":"m","ts":1795200000}"#)
        #expect(text.render(far) == "22:12:20.041  web-1  m  time=2026-11-20T18:40:00.000Z")
        for odd in ["\"yesterday\"", "-1", "1e400", "true", "{}", "5"] {
            let line = try record(#""json":{"msg":"m","time":\#(odd)}"#)
            #expect(text.render(line).hasPrefix("22:12:20.041  web-1  m  time="), "\(odd)")
        }
    }

    @Test("a record of any size is a line of bounded length")
    func bounds() throws {
        let many = (0..<5000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        let text = try shown("{\"msg\":\"m\",\(many)}")
        #expect(text.hasSuffix("k39=39 and 4960 more fields"), "\(text.suffix(60))")
        let long = String(repeating: "x", count: 60_000)
        #expect(try shown("{\"msg\":\"\(long)\",\"a\":\"\(long)\",\"b\":[\"\(long)\"]}").count < 11_000)
    }

    @Test("the raw line is what the app printed")
    func raw() throws {
        let json = #"{ "msg" : "m\n", "a":1 }"#
        #expect(try record("\"json\":" + json).raw == Array(json.utf8))
        #expect(try record(#""line":"a\tb\u001b""#).raw == Array("a\tb\u{1B}".utf8))
    }

    @Test("what is no record is none, and what the daemon says of lost records is one")
    func records() throws {
        for line in ["", "{", "x", "[]", "{\"time\":\"2026\"}", "{\"time\":\"2026-11-20T22:12:20Z\"}", "{\"a\":\"\\"] {
            #expect(PrintedLine(Array(line.utf8)) == nil, "\(line)")
        }
        let lost = #"{"time":"2026-11-20T22:12:20.041Z","level":"warning","dropped":3,"message":"3 records were lost"}"#
        let record = try #require(PrintedLine(Array(lost.utf8)))
        #expect(RecordText(palette: .plain).render(record) == "22:12:20.041  aloft  3 records were lost")
    }

    @Test("no bytes of any kind are too much for the reader")
    func hostile() {
        var random = SystemRandomNumberGenerator()
        let pieces = [
            "{", "}", "[", "]", "\"", "\\", ":", ",", "\\u", "d83d", "\"a\":", "1", "null", "\u{1B}", "é", " ",
        ]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                pieces[Int.random(in: pieces.indices, using: &random)]
            }.joined()
            if let members = JSONMembers(Array("{\(text)}".utf8)[...]), let app = AppRecord(members) {
                _ = app.timed(near: .now)
            }
            _ = RecordText.said(text)
        }
        #expect(JSONMembers(Array(#"{"a":"\ud83d\ude00\ud83d"}"#.utf8)[...])?["a"] == .text("😀\u{FFFD}"))
    }
}

@Suite("The last lines of a replica that ended")
struct CrashTailsTests {
    private func event(_ kind: String, _ severity: Event.Severity = .error, of replica: String = "web-1") -> Event {
        Event(time: .now, severity: severity, kind: kind, subject: replica, message: "exit code 1")
    }

    @Test("are shown below the news of its end, whichever comes first")
    func order() {
        var tails = CrashTails()
        #expect(tails.happened(event("replica.exited")) == [])
        #expect(tails.printed("web-1", ["boom"]) == ["boom"])
        #expect(tails.printed("web-1", ["bang"]) == [])
        #expect(tails.happened(event("replica.started", .notice)) == [])
        #expect(tails.happened(event("replica.exited")) == ["bang"])
    }

    @Test("are not shown of one that was asked to end, or ended well")
    func asked() {
        var tails = CrashTails()
        #expect(tails.printed("web-1", ["bye"]) == [])
        #expect(tails.happened(event("replica.stopped", .notice)) == [])
        #expect(tails.happened(event("replica.exited", .notice)) == [])
        #expect(tails.printed("web-1", ["done"]) == [])
    }

    @Test("are those that say something")
    func telling() {
        #expect(
            CrashTails.telling([
                "Error: Cannot find module 'x'", "    at a (b.js:1)", "    ^", "", "}", "Node.js v20.1.0",
            ])
                == ["Error: Cannot find module 'x'", "    at a (b.js:1)"])
        #expect(CrashTails.telling((0..<30).map { "line \($0)" }).count == CrashTails.lineLimit)
        #expect(RecordText.said(#"{"level":50,"msg":"no database"}"#) == "error  no database")
    }

    @Test("of any number of replicas take bounded room")
    func bounded() {
        var tails = CrashTails()
        for index in 0..<10_000 {
            _ = tails.happened(event("replica.exited", of: "a-\(index)"))
            _ = tails.printed("b-\(index)", ["x"])
        }
        #expect(tails.printed("a-9999", ["y"]) == ["y"])
        #expect(tails.printed("a-1", ["y"]) == [])
    }
}
