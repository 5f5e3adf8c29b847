import AloftTestKit
import Foundation
import Testing

/// The modules of `docs/architecture.md`, bottom up. A module may import what lies in a lower layer, and within
/// layers 1 and 2 what `beside` names; capabilities (layer 3) import none of their own layer.
private let layers: [[String]] = [
    ["AloftModel", "CAloftSystem", "CAloftReactor"],
    ["AloftLanguage", "AloftSystem", "AloftJournal"],
    ["AloftHTTP", "AloftReactor"],
    [
        "AloftEdge", "AloftCertificates", "AloftCompute", "AloftMetrics", "AloftScaling", "AloftNotifications",
        "AloftRollout", "AloftLogs", "AloftJobs",
    ],
    ["AloftDaemon"],
    ["AloftCLI"],
    ["aloft"],
]

@Suite("Layers")
struct LayerTests {
    @Test("every module of Sources has its place in the layers")
    func allModulesKnown() throws {
        let known = Set(layers.joined()).union(["AloftTestKit"])
        let present = try SourceTree.modules()
        #expect(present.count >= 5, "the tree was not found")
        #expect(Set(present).subtracting(known).isEmpty)
    }

    @Test("imports point down only, and no capability imports another", arguments: try SourceTree.modules())
    func importsPointDown(module: String) throws {
        guard let layer = layers.firstIndex(where: { $0.contains(module) }) else {
            #expect(module == "AloftTestKit")
            return
        }
        let below = Set(layers[..<layer].joined())
        let own = Set(layers.joined())
        for file in try SourceTree.swiftFiles(below: "Sources/\(module)") {
            for imported in file.imports where own.contains(imported) && imported != module {
                #expect(below.contains(imported), "\(file.path) imports \(imported), which is not below \(module)")
            }
        }
    }

    @Test("the data plane's parts and each capability have a one-page DESIGN.md", arguments: layers[2] + layers[3])
    func designs(module: String) throws {
        let path = Checkout.root + "/Sources/\(module)/DESIGN.md"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.split(separator: "\n").count >= 10)
        #expect(text.utf8.count < 12_000, "one or two pages")
    }

    @Test(
        "the data plane and the model do without Foundation",
        arguments: ["AloftModel", "AloftHTTP", "AloftReactor", "AloftEdge"])
    func noFoundation(module: String) throws {
        for file in try SourceTree.swiftFiles(below: "Sources/\(module)") {
            #expect(!file.imports.contains("Foundation"), "\(file.path) imports Foundation")
        }
    }

    @Test("the reactor stands on the system alone")
    func reactorAlone() throws {
        for file in try SourceTree.swiftFiles(below: "Sources/AloftReactor") {
            let others = Set(file.imports).subtracting(["AloftSystem", "CAloftReactor", "Glibc", "Synchronization"])
            #expect(others.isEmpty, "\(file.path) imports \(others)")
        }
    }
}
