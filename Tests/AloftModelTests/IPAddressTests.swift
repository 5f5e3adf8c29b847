import AloftModel
import AloftTestKit
import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("IP addresses")
struct IPAddressTests {
    @Test("are read and spelled as the system does it, for random and damaged ones")
    func comparedWithTheSystem() {
        var random = SplitMix(seed: 11)
        for round in 0..<20_000 {
            let text = Self.candidate(round, &random)
            let own = IPAddress(v6: text)?.bytes
            let system = Self.system(text, AF_INET6, count: 16)
            #expect(own == system, "\(text)")
            if let own {
                let spelled = IPAddress(bytes: own).description
                #expect(Self.system(spelled, AF_INET6, count: 16) == own, "\(spelled)")
            }
            let tail = text.split(separator: ":").last.map(String.init) ?? text
            #expect(IPAddress(v4: tail)?.bytes == Self.system(tail, AF_INET, count: 4), "\(tail)")
        }
    }

    @Test(
        "have one spelling (RFC 5952)",
        arguments: [
            ("2001:0DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("0:0:0:0:0:0:0:0", "::"), ("::1", "::1"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
            ("::ffff:1.2.3.4", "::ffff:102:304"),
        ])
    func oneSpelling(text: String, spelled: String) throws {
        #expect(try #require(IPAddress(v6: text)).description == spelled)
    }

    private static func candidate(_ round: Int, _ random: inout SplitMix) -> String {
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
        for index in bytes.indices where Bool.random(using: &random) { bytes[index] = 0 }
        var text = Array((round % 2 == 0 ? system(bytes) : IPAddress(bytes: bytes).description).utf8)
        if round % 5 == 0 { text = Array("1:2:3:4:5:6:\(bytes[0]).\(bytes[1]).\(bytes[2]).\(bytes[3])".utf8) }
        let letters = Array(":::0123456789abcdefgF.x%/".utf8)
        for _ in 0..<(round % 3) where !text.isEmpty {
            let place = Int.random(in: text.indices, using: &random)
            let letter = letters[Int.random(in: letters.indices, using: &random)]
            switch Int.random(in: 0...2, using: &random) {
            case 0: text[place] = letter
            case 1: text.insert(letter, at: place)
            default: text.remove(at: place)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func system(_ text: String, _ family: Int32, count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }

    private static func system(_ bytes: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = inet_ntop(AF_INET6, bytes, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
