import AloftModel
import Foundation
import Testing

@testable import AloftCertificates

@Suite("Certificates of files")
struct CertificateFilesTests {
    let folder = TemporaryFolder()

    private func load(
        _ certificate: String, _ key: String, hosts: [HostPattern] = [HostPattern(name: "example.test")],
        now: Timestamp = .now
    ) throws(CertificateError) -> LoadedCertificate {
        try CertificateStore(directory: folder.path + "/unused").load(
            CertificateSpec(hosts: hosts, source: .files(certificate: certificate, key: key)), now: now)
    }

    private func error(_ certificate: String, _ key: String, now: Timestamp = .now) -> CertificateError? {
        do throws(CertificateError) {
            _ = try load(certificate, key, now: now)
            return nil
        } catch {
            return error
        }
    }

    @Test("a sound chain is handed on as it is, without a warning")
    func sound() throws {
        let authority = try Authority(in: folder.path)
        let chain = try authority.chain("leaf", "intermediate", "root")
        let loaded = try load(chain, authority.path("leaf.key"))
        #expect(loaded.warnings == [])
        #expect(try String(decoding: loaded.chainPEM, as: UTF8.self) == String(contentsOfFile: chain, encoding: .utf8))
        #expect(
            try String(decoding: loaded.keyPEM, as: UTF8.self)
                == String(contentsOfFile: authority.path("leaf.key"), encoding: .utf8))
        let days = (loaded.notAfter - .now).components.seconds / 86_400
        #expect((59...60).contains(days))
    }

    @Test("text between the blocks, CRLF, and a key in the same file are fine")
    func oneFile() throws {
        let authority = try Authority(in: folder.path)
        let text = try ["leaf.key", "leaf.pem", "intermediate.pem"].map { name in
            try "Bag Attributes: \(name)\r\n"
                + String(contentsOfFile: authority.path(name), encoding: .utf8).replacingOccurrences(
                    of: "\n", with: "\r\n")
        }.joined()
        let path = authority.path("all.pem")
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let loaded = try load(path, path)
        #expect(loaded.warnings == [])
        #expect(try loaded == load(authority.chain("leaf", "intermediate"), authority.path("leaf.key")))
    }

    @Test("keys in the older RSA and EC forms are read", arguments: ["rsa", "ec"])
    func olderKeys(kind: String) throws {
        let (key, certificate) = (folder.path + "/k.pem", folder.path + "/c.pem")
        if kind == "rsa" {
            try OpenSSL.run("genrsa", "-traditional", "-out", key, "2048")
        } else {
            // Writes an `EC PARAMETERS` block before the key.
            try OpenSSL.run("ecparam", "-name", "secp384r1", "-genkey", "-out", key)
        }
        try OpenSSL.run(
            "req", "-x509", "-key", key, "-subj", "/CN=x", "-addext", "subjectAltName=DNS:example.test", "-days", "60",
            "-out", certificate)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: key)
        #expect(try load(certificate, key).warnings == [])
    }

    @Test("a missing file, a folder and an empty file say which file and what is wrong")
    func unreadable() throws {
        let authority = try Authority(in: folder.path)
        let (leaf, key) = (authority.path("leaf.pem"), authority.path("leaf.key"))
        let missing = try #require(error(leaf, folder.path + "/none.key"))
        #expect(missing.code == .unreadable)
        #expect(missing.message.hasPrefix("the key \(folder.path)/none.key cannot be read: no such file or directory"))
        #expect(error(folder.path, key)?.message == "the certificate \(folder.path) is not a regular file")
        try Data().write(to: URL(fileURLWithPath: authority.path("empty")))
        #expect(error(authority.path("empty"), key)?.message.contains("it holds no PEM block") == true)
        #expect(error(key, key)?.message.contains("it holds `PRIVATE KEY`") == true)
        #expect(error(leaf, leaf)?.message.contains("holds no private key") == true)
    }

    @Test("a closed key says whose it is and what to do")
    func permission() {
        let closed = PrivateFile.unreadable("the key /k.pem", EACCES, owner: "root", mode: 0o600, user: "aloft")
        #expect(
            closed.message
                == "the key /k.pem cannot be read: permission denied (owner root, mode 0600); run as root, or let aloft "
                + "read it with chown or chmod")
        let hidden = PrivateFile.unreadable("the key /k.pem", EACCES, owner: nil, mode: nil, user: "aloft")
        #expect(hidden.message.hasSuffix("permission denied; a folder above it is closed to aloft"))
    }

    @Test("another certificate's key is refused")
    func mismatch() throws {
        let authority = try Authority(in: folder.path)
        #expect(error(try authority.chain("leaf", "intermediate"), authority.path("root.key"))?.code == .keyMismatch)
    }

    @Test("a chain in the wrong order is refused")
    func order() throws {
        let authority = try Authority(in: folder.path)
        for chain in [
            try authority.chain("intermediate", "leaf"), try authority.chain("leaf", "root"),
            try authority.chain("leaf", "root", "intermediate"),
        ] {
            #expect(error(chain, authority.path("leaf.key"))?.code == .brokenChain)
        }
    }

    @Test("an encrypted key is refused with the way out")
    func encrypted() throws {
        let authority = try Authority(in: folder.path)
        let key = authority.path("encrypted.key")
        for form in [["-traditional"], []] {
            switch form.first {
            case let option?:
                try OpenSSL.run(
                    "pkey", option, "-in", authority.path("leaf.key"), "-aes128", "-passout", "pass:x", "-out", key)
            case nil:
                try OpenSSL.run(
                    "pkey", "-in", authority.path("leaf.key"), "-aes128", "-passout", "pass:x", "-out", key)
            }
            let refused = try #require(error(authority.path("leaf.pem"), key))
            #expect(refused.code == .malformed)
            #expect(refused.message.contains("is encrypted with a passphrase"))
        }
    }

    @Test("what is cut off or garbled is refused, whichever part it is")
    func garbled() throws {
        let authority = try Authority(in: folder.path)
        let whole = try String(contentsOfFile: authority.path("leaf.pem"), encoding: .utf8)
        let broken = authority.path("broken.pem")
        for text in [
            String(whole.dropLast(40)), String(whole.dropFirst(40)), whole.replacingOccurrences(of: "MII", with: "AII"),
            whole.replacingOccurrences(of: "M", with: "!"), whole + whole.prefix(100),
        ] {
            try text.write(toFile: broken, atomically: false, encoding: .utf8)
            #expect(error(broken, authority.path("leaf.key"))?.code == .malformed)
        }
    }

    @Test("expired, not yet valid, and soon to expire")
    func validity() throws {
        let authority = try Authority(in: folder.path, days: 60)
        let chain = try authority.chain("leaf", "intermediate")
        let key = authority.path("leaf.key")
        let expired = try #require(error(chain, key, now: .now + .days(61)))
        #expect(expired.code == .expired)
        #expect(expired.message.contains("expired on"))
        let early = try #require(error(chain, key, now: .now + .days(-2)))
        #expect(early.code == .expired)
        #expect(early.message.contains("check the clock"))
        let soon = try load(chain, key, now: .now + .days(50) + .seconds(600)).warnings
        #expect(soon.count == 1)
        #expect(soon.first?.contains("in 9 days; renew it") == true)
    }

    @Test("hosts that the certificate does not name are warned about, together")
    func hosts() throws {
        let authority = try Authority(in: folder.path, names: "DNS:Example.test,DNS:*.wild.test,IP:10.1.2.3,IP:::1")
        let chain = try authority.chain("leaf", "intermediate")
        func missing(_ host: String) throws -> Bool {
            let wildcard = host.hasPrefix("*.")
            let pattern = HostPattern(name: wildcard ? String(host.dropFirst(2)) : host, isWildcard: wildcard)
            return try !load(chain, authority.path("leaf.key"), hosts: [pattern]).warnings.isEmpty
        }
        for host in ["example.test", "a.wild.test", "*.wild.test", "10.1.2.3", "::1"] { #expect(try !missing(host)) }
        for host in ["wild.test", "a.b.wild.test", "*.example.test", "10.1.2.4", "test", "*.a.wild.test"] {
            #expect(try missing(host), "\(host)")
        }
        let hosts = ["one.test", "example.test", "two.test"].map { HostPattern(name: $0) }
        #expect(
            try load(chain, authority.path("leaf.key"), hosts: hosts).warnings == [
                "the certificate \(chain) is not good for one.test, two.test: it names *.wild.test, example.test, "
                    + "10.1.2.3, ::1; clients will refuse it there"
            ])
    }

    @Test("a certificate without subjectAltName is good for no host")
    func commonNameOnly() throws {
        let authority = try Authority(in: folder.path, names: nil)
        let warnings = try load(
            authority.chain("leaf", "intermediate"), authority.path("leaf.key"), hosts: [HostPattern(name: "leaf")]
        ).warnings
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("it names nothing") == true)
    }

    @Test("a key that everybody can read, and a leaf without its issuer, are warned about")
    func warnings() throws {
        let authority = try Authority(in: folder.path)
        let key = authority.path("leaf.key")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        let warnings = try load(authority.path("leaf.pem"), key).warnings
        #expect(warnings.count == 2)
        #expect(warnings.first?.contains("run `chmod 600 \(key)`") == true)
        #expect(warnings.last?.contains("append the intermediate certificates") == true)
    }
}
