/// Absolute paths by text alone; no file is looked at and no link is followed.
package enum FilePaths {
    /// `path` seen from `folder`, without `.`, `..` and doubled slashes.
    package static func absolute(_ path: String, from folder: String) -> String {
        var parts: [Substring] = []
        let whole = path.hasPrefix("/") ? path : folder + "/" + path
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The folder that holds `path`.
    package static func parent(of path: String) -> String { absolute("..", from: path) }

    package static func lastComponent(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? ""
    }
}
