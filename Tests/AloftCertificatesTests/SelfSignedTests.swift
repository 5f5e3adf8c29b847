import AloftModel
import Foundation
import Testing

@testable import AloftCertificates

@Suite("Self-signed certificates")
struct SelfSignedTests {
    let folder = TemporaryFolder()

    private var store: CertificateStore { CertificateStore(directory: folder.path + "/state/certificates") }

    private func spec(_ hosts: String...) -> CertificateSpec {
        let patterns = hosts.map { host in
            HostPattern(name: host.hasPrefix("*.") ? String(host.dropFirst(2)) : host, isWildcard: host.hasPrefix("*."))
        }
        return CertificateSpec(hosts: patterns, source: .selfSigned)
    }

    @Test("openssl finds the names, the times and the key it should")
    func contents() throws {
        let now = Timestamp.now
        let loaded = try store.load(spec("example.test", "*.example.test", "127.0.0.1", "::1"), now: now)
        #expect(loaded.warnings == [])
        let file = folder.path + "/chain.pem"
        try Data(loaded.chainPEM + loaded.keyPEM).write(to: URL(fileURLWithPath: file))
        let text = try OpenSSL.run("x509", "-in", file, "-noout", "-text")
        #expect(
            text.contains(
                "DNS:example.test, DNS:*.example.test, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1"))
        #expect(text.contains("CA:FALSE"))
        #expect(text.contains("TLS Web Server Authentication"))
        #expect(text.contains("NIST CURVE: P-256"))
        let publicKey = try OpenSSL.run("x509", "-in", file, "-noout", "-pubkey")
        #expect(try OpenSSL.run("pkey", "-in", file, "-pubout") == publicKey)
        #expect(try OpenSSL.run("verify", "-CAfile", file, "-purpose", "sslserver", file).contains("OK"))
        let fingerprint = try OpenSSL.run("x509", "-in", file, "-noout", "-fingerprint", "-sha256")
        #expect(
            fingerprint.split(separator: "=")[1].filter { $0 != ":" && !$0.isNewline }.lowercased()
                == loaded.fingerprintSHA256)
        #expect((loaded.notAfter - now).components.seconds / 86_400 >= 89)
    }

    @Test("stays the same across restarts until 14 days are left, then is renewed and says so")
    func renewal() throws {
        let now = Timestamp.seconds(1_800_000_000)
        let first = try store.load(spec("a.test"), now: now)
        #expect(try store.load(spec("a.test"), now: now + .days(75)) == first)
        let second = try store.load(spec("a.test"), now: now + .days(77))
        #expect(second.fingerprintSHA256 != first.fingerprintSHA256)
        #expect(second.warnings.count == 1)
        #expect(second.notAfter == now + .days(167))
        #expect(try store.load(spec("a.test"), now: now + .days(78)).fingerprintSHA256 == second.fingerprintSHA256)
    }

    @Test("one made while the clock was ahead is replaced")
    func clockAhead() throws {
        let now = Timestamp.seconds(1_800_000_000)
        let future = try store.load(spec("a.test"), now: now + .days(400))
        let present = try store.load(spec("a.test"), now: now)
        #expect(present.fingerprintSHA256 != future.fingerprintSHA256)
        #expect(present.notAfter == now + .days(90))
    }

    @Test("the same hosts in another order share a certificate, other hosts have another")
    func byHosts() throws {
        let now = Timestamp.now
        let first = try store.load(spec("a.test", "b.test"), now: now)
        #expect(try store.load(spec("b.test", "a.test"), now: now).fingerprintSHA256 == first.fingerprintSHA256)
        #expect(try store.load(spec("a.test"), now: now).fingerprintSHA256 != first.fingerprintSHA256)
    }

    @Test("without hosts it is good for this machine")
    func noHosts() throws {
        let loaded = try store.load(CertificateSpec(hosts: [], source: .selfSigned), now: .now)
        let file = folder.path + "/chain.pem"
        try Data(loaded.chainPEM).write(to: URL(fileURLWithPath: file))
        #expect(
            try OpenSSL.run("x509", "-in", file, "-noout", "-ext", "subjectAltName").contains(
                "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1"))
    }

    @Test("only its owner can read the key and the folder")
    func modes() throws {
        _ = try store.load(spec("a.test"), now: .now)
        let files = FileManager.default
        let names = try files.contentsOfDirectory(atPath: store.directory)
        #expect(names.count == 1)
        #expect(try files.attributesOfItem(atPath: store.directory)[.posixPermissions] as? Int == 0o700)
        let path = store.directory + "/" + names[0]
        #expect(try files.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
    }

    @Test("a damaged file is replaced, and the warning says why", arguments: ["", "-----BEGIN CERTIFICATE-----\nMII"])
    func damaged(content: String) throws {
        let first = try store.load(spec("a.test"), now: .now)
        let path = try store.directory + "/" + FileManager.default.contentsOfDirectory(atPath: store.directory)[0]
        try content.write(toFile: path, atomically: false, encoding: .utf8)
        let second = try store.load(spec("a.test"), now: .now)
        #expect(second.fingerprintSHA256 != first.fingerprintSHA256)
        #expect(second.warnings.first?.contains(path) == true)
    }

    @Test("a folder that cannot be made is an error that names it")
    func unwritable() throws {
        try Data().write(to: URL(fileURLWithPath: folder.path + "/state"))
        do throws(CertificateError) {
            _ = try store.load(spec("a.test"), now: .now)
            Issue.record("made a certificate in a folder that is a file")
        } catch {
            #expect(error.code == .cannotStore)
            #expect(error.message.contains(store.directory))
        }
    }
}
