import AloftTestKit
import Foundation

/// Another gateway, run for one test on loopback, in front of an nginx that answers everything with 200.
struct Peer: Sendable {
    /// What it made of some bytes.
    enum Answer: Sendable, Equatable {
        case status(Int)
        /// It closed the connection without a word.
        case closed
        /// It waits for more.
        case waits

        var isRefusal: Bool {
            switch self {
            // 412 and 416 are about the resource: the request itself was taken.
            case .status(let status): status >= 400 && status != 412 && status != 416
            case .closed: true
            case .waits: false
            }
        }
    }

    let target: RawConnection.Target

    /// Sends bytes on a connection of their own and reads the status line of the first answer.
    func answer(to bytes: [UInt8]) async throws -> Answer {
        try await onThread { [target] in
            let connection = try RawConnection(to: target, timeout: .milliseconds(1500))
            do {
                try connection.send(bytes)
            } catch KitError.system("send", _) {
                // It may refuse and close before all is sent; its answer can be read all the same.
            }
            let line: [UInt8]
            do {
                line = try connection.readLine()
            } catch KitError.deadline {
                return .waits
            }
            let words = String(decoding: line, as: UTF8.self).split(separator: " ")
            guard words.count >= 2, let status = Int(words[1].prefix(3)) else { return .closed }
            return .status(status)
        }
    }

    /// An nginx that proxies to itself, so that it reads bodies as well.
    static func nginx(_ fixture: Fixture) async throws -> (peer: Peer, origin: Int) {
        let (port, origin) = (try Machine.freePort(), try Machine.freePort())
        let folder = try fixture.directory()
        let configuration = """
            daemon off;
            master_process off;
            pid \(folder)/pid;
            error_log stderr crit;
            events { worker_connections 512; }
            http {
                access_log off;
                client_max_body_size 0;
                client_body_temp_path \(folder)/body;
                proxy_temp_path \(folder)/proxy;
                fastcgi_temp_path \(folder)/fastcgi;
                scgi_temp_path \(folder)/scgi;
                uwsgi_temp_path \(folder)/uwsgi;
                large_client_header_buffers 8 64k;
                server { listen 127.0.0.1:\(port); location / { proxy_pass http://127.0.0.1:\(origin); } }
                server { listen 127.0.0.1:\(origin); location / { return 200 "ok"; } }
            }
            """
        try await start(["nginx", "-p", folder, "-e", "stderr", "-c"], configuration, folder, port, fixture)
        return (Peer(target: .port(port)), origin)
    }

    /// A HAProxy with its own defaults.
    static func haproxy(_ fixture: Fixture, origin: Int) async throws -> Peer {
        let port = try Machine.freePort()
        let folder = try fixture.directory()
        let configuration = """
            global
                tune.bufsize 65536
            defaults
                mode http
                timeout client 5s
                timeout connect 5s
                timeout server 5s
            frontend front
                bind 127.0.0.1:\(port)
                default_backend back
            backend back
                server origin 127.0.0.1:\(origin)

            """
        try await start(["haproxy", "-q", "-db", "-f"], configuration, folder, port, fixture)
        return Peer(target: .port(port))
    }

    private static func start(
        _ command: [String], _ configuration: String, _ folder: String, _ port: Int, _ fixture: Fixture
    ) async throws {
        let file = folder + "/configuration"
        try Data(configuration.utf8).write(to: URL(fileURLWithPath: file))
        let child = try Child(command + [file], directory: folder, output: folder + "/output")
        fixture.atEnd("stop \(command[0])") {
            // One process with nothing to save; what it was told to wait for must not hold it.
            child.signal(SIGKILL)
            _ = try await child.ended()
        }
        try await eventually("\(command[0]) listens") {
            if child.ending != nil { throw KitError.missing("\(command[0]) ended: \(child.output)") }
            return (try? RawConnection(to: .port(port))) != nil
        }
    }
}
