import AloftTestKit
import Foundation
import Testing

@Suite("Torture", .serialized, .timeLimit(.minutes(5)))
struct TortureTests {
    @Test(
        "whatever clients and upstreams do, each sees its own bytes only, and nothing is left at the end",
        arguments: [1, 2, 3] as [UInt64])
    func rounds(seed: UInt64) async throws {
        let folder = NSTemporaryDirectory() + "aloft-torture-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let report = try await Torture.run(seed: seed, steps: 4000, folder: folder)
        #expect(report.problems.isEmpty, "\(report)")
        #expect(report.connections > 100 && report.bytesAtUpstreams > 1 << 20, "\(report)")
        print(report)
    }
}
