import AloftCompute
import Testing

@Suite("Which lines of a process say why it ended")
struct TellingLinesTests {
    private static let node = """
        /srv/app/server.js:3
        throw new Error('no DATABASE_URL');
        ^

        Error: no DATABASE_URL
            at Object.<anonymous> (/srv/app/server.js:3:7)
            at Module._compile (node:internal/modules/cjs/loader:1376:14)
            at node:internal/main/run_main_module:28:49

        Node.js v20.1.0
        """
    private static let missingModule = """
        node:internal/modules/cjs/loader:1147
          throw err;
          ^

        Error: Cannot find module 'express'
        Require stack:
        - /srv/app/server.js
            at Module._resolveFilename (node:internal/modules/cjs/loader:1144:15) {
          code: 'MODULE_NOT_FOUND',
          requireStack: [ '/srv/app/server.js' ]
        }

        Node.js v20.1.0
        """
    private static let python = """
        listening soon
        Traceback (most recent call last):
          File "/srv/app/main.py", line 3, in <module>
            import flask
        ModuleNotFoundError: No module named 'flask'
        """
    private static let java = """
        Exception in thread "main" java.lang.IllegalStateException: cannot start
        \tat com.example.Main.main(Main.java:12)
        Caused by: java.net.BindException: Address already in use
        \tat java.base/sun.nio.ch.Net.bind0(Native Method)
        \t... 12 more
        """
    private static let go = """
        panic: no configuration

        goroutine 1 [running]:
        main.main()
        \t/srv/app/main.go:4 +0x25
        exit status 2
        """
    private static let rust = """
        thread 'main' panicked at src/main.rs:2:5:
        no configuration
        note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
        """

    @Test(
        "of each runtime it is the error, and not the version, the frame or the hint that comes last",
        arguments: [
            (node, "Error: no DATABASE_URL"), (missingModule, "Error: Cannot find module 'express'"),
            (python, "ModuleNotFoundError: No module named 'flask'"),
            (java, "Caused by: java.net.BindException: Address already in use"), (go, "panic: no configuration"),
            (rust, "thread 'main' panicked at src/main.rs:2:5: no configuration"),
            ("booting\nlisten tcp :80: bind: permission denied\nbye", "listen tcp :80: bind: permission denied"),
            ("one\ntwo", "two"), ("\n \n", nil), ("Node.js v20.1.0", "Node.js v20.1.0"),
        ] as [(String, String?)])
    func headline(_ printed: String, _ expected: String?) {
        let lines = printed.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let headline = TellingLines.headline(lines)
        // A banner alone is better than nothing, and nothing but blank lines is nothing.
        #expect(headline == expected, "\(lines)")
    }

    @Test("blank lines, banners, marks and frames are left out, and order is kept")
    func pick() {
        let lines = Self.node.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(
            TellingLines.pick(lines, most: 10) == [
                "/srv/app/server.js:3", "throw new Error('no DATABASE_URL');", "Error: no DATABASE_URL",
            ])
    }

    @Test("of very many lines those around the error are taken")
    func around() {
        let lines = (1...10).map { "before \($0)" } + ["Error: gone"] + (1...10).map { "after \($0)" }
        let picked = TellingLines.pick(lines, most: 5)
        #expect(picked == ["before 9", "before 10", "Error: gone", "after 1", "after 2"])
        #expect(TellingLines.pick(["Error: first"] + (1...9).map { "x \($0)" }, most: 4).first == "Error: first")
    }
}
