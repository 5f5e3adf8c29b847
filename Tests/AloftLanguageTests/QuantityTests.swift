import AloftModel
import AloftTestKit
import Testing

@testable import AloftLanguage

@Suite("Quantities")
struct QuantityTests {
    @Test(
        "durations are whole numbers with a unit",
        arguments: [
            ("0s", 0), ("1ms", 1), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("7d", 604_800_000),
            ("1y", 31_536_000_000), ("007s", 7000),
        ])
    func durations(text: String, milliseconds: Int) {
        #expect(QuantityText.duration(text, key: "k", usual: "s") == .success(.milliseconds(milliseconds)))
    }

    @Test(
        "sizes are whole numbers with a unit, binary or decimal",
        arguments: [
            ("0B", 0), ("1KiB", 1024), ("2MiB", 2 << 20), ("3GiB", 3 << 30), ("1TiB", 1 << 40), ("1KB", 1000),
            ("2MB", 2_000_000), ("3GB", 3_000_000_000),
        ])
    func sizes(text: String, bytes: Int) {
        #expect(QuantityText.size(text, key: "k", usual: "MiB") == .success(ByteSize(bytes: bytes)))
    }

    @Test(
        "percentages have at most two decimals",
        arguments: [("0%", 0), ("70%", 7000), ("0.5%", 50), ("12.25%", 1225), ("100%", 10_000)])
    func percents(text: String, points: Int) {
        #expect(QuantityText.percent(text, key: "k") == .success(Percent(basisPoints: points)))
    }

    @Test(
        "cores are whole, decimal or thousandths", arguments: [("2", 2000), ("1.5", 1500), ("250m", 250), ("0.001", 1)])
    func cores(text: String, millicores: Int) {
        #expect(QuantityText.cpu(text) == .success(CPUQuantity(millicores: millicores)))
    }

    @Test(
        "what is no quantity is refused",
        arguments: [
            "", " ", "s", "-1s", "+1s", "1 s", "1.s", ".5s", "1e3s", "١s", "1µs", "s1", "1s1", "1m1", "0x1s", "∞s",
            "9223372036854775807y", "99999999999999999999s", "1.0000000000001s", "1.5ms",
        ])
    func refused(text: String) {
        #expect(throws: Complaint.self) { try QuantityText.duration(text, key: "k", usual: "s").get() }
        let size = text.replacing("s", with: "GiB").replacing("m", with: "").replacing("y", with: "GiB")
        #expect(throws: Complaint.self) { try QuantityText.size(size, key: "k", usual: "MiB").get() }
        #expect(throws: Complaint.self) { try QuantityText.percent(text.replacing("s", with: "%"), key: "k").get() }
    }

    @Test("every duration and size is spelled so that it reads as itself")
    func spelledAgain() throws {
        var random = SplitMix(seed: 3)
        for _ in 0..<2000 {
            let bits = Int.random(in: 0...40, using: &random)
            let number = Int.random(in: 0...(1 << bits), using: &random)
            let duration = Duration.milliseconds(number)
            #expect(try QuantityText.duration(duration.quantity, key: "k", usual: "s").get() == duration)
            let size = ByteSize(bytes: number)
            #expect(try QuantityText.size(size.description, key: "k", usual: "B").get() == size)
            let percent = Percent(basisPoints: number % 10_001)
            #expect(try QuantityText.percent(percent.description, key: "k").get() == percent)
            let cpu = CPUQuantity(millicores: number)
            #expect(try QuantityText.cpu(cpu.description).get() == cpu)
        }
    }
}
