import AloftModel
import AloftSystem
import AloftTestKit
import Foundation
import Logging

@testable import AloftNotifications

/// A server of the tests, in a process of its own: `smtp_sink.py` or `web_sink.py`.
struct Sink: Sendable {
    let folder: String
    let port: Int

    static func mail(_ fixture: Fixture, _ options: [String] = []) async throws -> Sink {
        try await start(fixture, "smtp_sink.py", options)
    }

    static func web(_ fixture: Fixture, _ options: [String] = []) async throws -> Sink {
        try await start(fixture, "web_sink.py", options)
    }

    private static func start(_ fixture: Fixture, _ script: String, _ options: [String]) async throws -> Sink {
        try Checkout.require(Checkout.python)
        let folder = try fixture.directory()
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: script).path
        let child = try Child(
            [Checkout.python, path, folder] + options, directory: folder, output: folder + "/output")
        fixture.atEnd("end \(script)") {
            child.signal(SIGKILL)
            _ = try await child.ended()
        }
        let port = try await eventually("\(script) listens: \(child.output)") {
            child.output.hasSuffix("\n") ? Int(child.output.dropLast()) : nil
        }
        return Sink(folder: folder, port: port)
    }

    /// What the mail server took, in order: the envelope in the first line.
    var mails: [String] {
        get throws {
            try (1...100).map { folder + "/mail-\($0)" }.prefix { FileManager.default.fileExists(atPath: $0) }.map {
                String(decoding: try Data(contentsOf: URL(fileURLWithPath: $0)), as: UTF8.self)
            }
        }
    }

    struct Request: Decodable, Sendable {
        var path: String
        var headers: [String: String]
        var body: String
        /// Whether the server found its signature right; nil where there is none.
        var isSigned: Bool?
    }

    /// Mechanisms by which somebody gave a password to the mail server.
    var logins: [String] {
        get throws {
            guard let data = FileManager.default.contents(atPath: folder + "/logins") else { return [] }
            return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    /// By what names the mail server was greeted.
    var names: [String] {
        get throws {
            guard let data = FileManager.default.contents(atPath: folder + "/names") else { return [] }
            return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    /// What the web server was asked.
    var requests: [Request] {
        get throws {
            guard let data = FileManager.default.contents(atPath: folder + "/requests") else { return [] }
            return try data.split(separator: 0x0A).map { try JSONDecoder().decode(Request.self, from: $0) }
        }
    }
}

/// A certificate for 127.0.0.1 and localhost that nobody's roots know.
struct OwnCertificate {
    let certificate: String
    let key: String

    /// For 127.0.0.1 and localhost, where nothing else is said.
    init(
        _ fixture: Fixture,
        _ options: [String] = ["-subj", "/CN=sink", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    ) async throws {
        let folder = try fixture.directory()
        (certificate, key) = (folder + "/certificate.pem", folder + "/key.pem")
        let (ending, output) = try await Child.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                "2", "-keyout", key, "-out", certificate,
            ] + options, directory: folder)
        guard ending == .exited(0) else { throw KitError.missing("openssl: \(output)") }
    }
}

extension NotifierConfiguration {
    static func shop(roots: String? = nil, timeout: Duration = .seconds(5)) -> NotifierConfiguration {
        NotifierConfiguration(
            machine: AloftNotificationsTests.shop.machine, project: AloftNotificationsTests.shop.project,
            environment: AloftNotificationsTests.shop.environment, extraRoots: roots, timeout: timeout)
    }
}

/// A channel as the file describes it, with a real sender.
func sender(
    _ kind: NotificationSpec.Kind, roots: String? = nil, timeout: Duration = .seconds(5),
    clock: any TimeSource = SystemTime()
) throws -> any ChannelSender {
    let factory = SenderFactory(configuration: .shop(roots: roots, timeout: timeout), clock: clock)
    let channel = NotificationSpec.Channel(name: "ops", kind: kind)
    let target = factory.target(of: channel) { template throws(MissingReference) in template.description }
    guard case .ready(_, let sender) = target else { throw KitError.malformed("\(target)") }
    return sender
}
