/// A string of the file that may hold typed references, such as `--port=${PORT}`.
package struct Template: Sendable, Hashable {
    package enum Part: Sendable, Hashable {
        case text(String)
        /// `${PORT}`: the TCP port on loopback that the replica was given.
        case port
        /// `${SOCKET}`: the path of the Unix socket that the replica was given.
        case socket
        /// `${env.NAME}`: a variable of the environment in which `aloft up` was started.
        case environment(String)
    }

    package let parts: [Part]

    package init(parts: [Part]) { self.parts = parts }
    package init(_ text: String) { self.parts = [.text(text)] }

    /// Replaces each reference by what `lookup` gives for it.
    package func resolved(_ lookup: (Part) throws -> String) rethrows -> String {
        var result = ""
        for part in parts {
            switch part {
            case .text(let text): result += text
            case .port, .socket, .environment: result += try lookup(part)
            }
        }
        return result
    }
}

extension Template: CustomStringConvertible {
    /// As it stands in the file.
    package var description: String {
        resolved { part in
            switch part {
            case .text(let text): text
            case .port: "${PORT}"
            case .socket: "${SOCKET}"
            case .environment(let name): "${env.\(name)}"
            }
        }
    }
}
