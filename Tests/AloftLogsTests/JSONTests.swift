import AloftTestKit
import Foundation
import Testing

@testable import AloftLogs

@Suite("JSON of records")
struct JSONTests {
    private func quoted(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        JSONText.append(bytes, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    @Test("text is escaped so that no byte of it can steer a terminal or break the line")
    func escapes() {
        #expect(quoted(Array("plain".utf8)) == #""plain""#)
        #expect(quoted(Array("a\"b\\c\td\re\nf".utf8)) == #""a\"b\\c\td\re\nf""#)
        #expect(quoted([0x1B, 0x5B, 0x00, 0x7F]) == #""\u001b[\u0000\u007f""#)
        #expect(quoted(Array("é\u{9B}31m☂".utf8)) == #""é\u009b31m☂""#)
        #expect(quoted([0x61, 0xFF, 0x62, 0xC3]) == "\"a\u{FFFD}b\u{FFFD}\"")
        #expect(quoted([]) == "\"\"")
    }

    @Test("whatever the bytes, a JSON parser reads back their repaired text")
    func readsBack() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SplitMix(seed: seed)
        for _ in 0..<2000 {
            let ranges: [ClosedRange<UInt8>] = [0...31, 32...126, 127...160, 190...255, 0...255]
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: ranges[Int.random(in: 0..<5, using: &generator)], using: &generator)
            }
            let parsed = try JSONSerialization.jsonObject(with: Data(("[" + quoted(bytes) + "]").utf8)) as? [String]
            #expect(
                parsed?.first?.utf8.elementsEqual(String(decoding: bytes, as: UTF8.self).utf8) == true, "seed \(seed)")
        }
    }

    @Test(
        "one whole JSON object is recognised",
        arguments: [
            "{}", " {\"a\":1} ", #"{"a":[1,-0.5,1e9,1E+2,{"b":null}],"c":true,"d":"\u00e9\"\\\/x"}"#, "{\"a\":[]}",
            #"{"a":{"b":{"c":[[[]]]}},"d":false}"#, "{\"a\" :\t0}", "{\"a\":{}}",
        ])
    func objects(text: String) {
        #expect(JSONGrammar.isObject(Array(text.utf8)[...]))
    }

    @Test(
        "anything else is text",
        arguments: [
            "", " ", "[]", "1", "\"a\"", "null", "{", "}", "{}{}", "{} x", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}",
            "{a:1}", "{'a':1}", #"{"a":01}"#, #"{"a":1.}"#, #"{"a":.5}"#, #"{"a":+1}"#, #"{"a":1e}"#, #"{"a":-}"#,
            #"{"a":"\x"}"#, #"{"a":"\u12g4"}"#, "{\"a\":\"\t\"}", #"{"a":"}"#, #"{"a":[1,]}"#, #"{"a":[1}"#,
            #"{"a":1]"#,
            #"{"a":tru}"#, #"{"a":True}"#, #"{"a":NaN}"#, "{\"a\":1 \"b\":2}", #"{"a":1,"b"}"#, #"{"a":[}"#,
            "{\"a\":1}\0",
        ])
    func others(text: String) {
        #expect(!JSONGrammar.isObject(Array(text.utf8)[...]))
    }

    @Test("what Foundation makes is recognised; cut short anywhere it is not")
    func agreesWithFoundation() throws {
        let value: [String: Any] = [
            "s": "a\u{1}\"é😀", "n": -1.25e-7, "i": 42, "b": true, "z": NSNull(),
            "l": [1, "x", [String: Int](), [Int]()],
        ]
        let bytes = Array(try JSONSerialization.data(withJSONObject: value))
        #expect(JSONGrammar.isObject(bytes[...]))
        for end in 0..<bytes.count { #expect(!JSONGrammar.isObject(bytes[..<end])) }
    }

    @Test("depth is bounded")
    func depth() {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)).utf8)
        }
        #expect(JSONGrammar.isObject(nested(JSONGrammar.depthLimit)[...]))
        #expect(!JSONGrammar.isObject(nested(JSONGrammar.depthLimit + 1)[...]))
        #expect(!JSONGrammar.isObject(nested(100_000)[...]))
    }

    @Test("fields are found at the top level only, past nested values and escaped quotes")
    func fields() {
        func text(_ slice: ArraySlice<UInt8>?) -> String? { slice.map { String(decoding: $0, as: UTF8.self) } }
        let line = Array(
            #"{"n": [1,{"service":"no"},"]"],"x":"\"service\":\"no\"","service" : "web","replica":"web-1","time":"t","stream":5}"#
                .utf8)
        let fields = RecordFields(line[...])
        #expect(text(fields.service) == "web")
        #expect(text(fields.replica) == "web-1")
        #expect(text(fields.time) == "t")
        #expect(fields.stream == nil)
    }

    @Test("a line that is no record has no fields and does no harm")
    func noFields() {
        for text in [
            "", "{", "{\"", "{\"time", "{\"time\":", "{\"time\":\"", "plain text", "{\"time\":\"\\", "[[[[",
            "{\"a\":[}",
        ] {
            #expect(RecordFields(Array(text.utf8)[...]).time == nil, "\(text)")
        }
    }
}
