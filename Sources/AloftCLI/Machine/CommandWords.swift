import AloftLanguage

/// What the words of a known program say about files: the script that an interpreter runs, the folder that a file server
/// sends. Programs that are not known say nothing.
struct CommandWords {
    private let words: [String]
    private let directory: String

    /// - Parameters:
    ///   - words: program and arguments; an empty text for one that depends on the replica.
    ///   - directory: where it runs, absolute.
    init(_ words: [String], directory: String) {
        self.words = words
        self.directory = directory
    }

    private var program: String {
        let name = words.first?.split(separator: "/").last.map(String.init) ?? ""
        // `python3.11` is a `python`.
        let end = name.lastIndex { !$0.isNumber && $0 != "." }
        return end.map { String(name[...$0]) } ?? name
    }

    /// The path of `app.py` in `python3 app.py`: its place after the program, and where it is looked for.
    var script: (index: Int, path: String)? {
        guard ["python", "node", "ruby", "php", "perl", "deno", "bun"].contains(program), words.count > 1,
            let kind = words[1].split(separator: ".").last, words[1].contains("."), !words[1].hasPrefix("-"),
            ["py", "js", "mjs", "cjs", "ts", "rb", "php", "pl"].contains(kind)
        else { return nil }
        return (1, FilePaths.absolute(words[1], from: directory))
    }

    /// The folder of which `python3 -m http.server`, `php -S`, `busybox httpd` send each file; nil of other programs.
    var published: String? {
        let option: [String]
        switch program {
        case "python" where words.contains("http.server"): option = ["--directory", "-d"]
        // With a script of its own, the script decides what is sent.
        case "php" where words.contains("-S") && words.last?.hasSuffix(".php") != true: option = ["-t"]
        case "busybox" where words.contains("httpd"): option = ["-h"]
        default: return nil
        }
        for (index, word) in words.enumerated() {
            if option.contains(word), index + 1 < words.count {
                return FilePaths.absolute(words[index + 1], from: directory)
            }
            if let name = option.first(where: { word.hasPrefix($0 + "=") }) {
                return FilePaths.absolute(String(word.dropFirst(name.utf8.count + 1)), from: directory)
            }
        }
        return FilePaths.absolute(".", from: directory)
    }
}
