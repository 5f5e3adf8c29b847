/// Three panels over one day as SVG: load, replicas, p95. No script; follows the reader's light or dark theme.
struct Plot {
    let title: String
    let trace: Trace
    /// Drawn as a second line in the first panel, on its own scale.
    var seriesName: String?
    let target: Double

    private let left = 70.0
    private let width = 810.0
    private let panel = 130.0

    var svg: String {
        let points = trace.points
        let load = points.map(\.perMinute)
        let most = round(up: load.max() ?? 1)
        let replicas = round(up: Double(points.map { max($0.desired, $0.ready) }.max() ?? 1))
        var parts = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 560" role="img" aria-label="\(title)">
            <style>
            text{font:12px system-ui,sans-serif;fill:#57606a}.t{font-size:15px;fill:#1f2328}
            path{fill:none;stroke-width:1.6}.g{stroke:#d0d7de;stroke-width:1}.a{stroke:#0969da}.b{stroke:#1a7f37}
            .c{stroke:#bc4c00}.d{stroke:#8250df}.w{stroke:#1a7f37;stroke-opacity:.35;stroke-width:4}.l{stroke-dasharray:5 4}
            @media(prefers-color-scheme:dark){text{fill:#9198a1}.t{fill:#e6edf3}.g{stroke:#3d444d}.a{stroke:#4493f8}
            .b,.w{stroke:#3fb950}.c{stroke:#f0883e}.d{stroke:#ab7df8}}
            </style>
            <text class="t" x="70" y="24">\(title)</text>
            """
        ]
        parts += frame(0, "requests a minute", scale: [0, most / 2, most].map { ($0 / most, shown($0)) })
        parts.append(line("a", 0, load.map { $0 / most }))
        if let seriesName {
            let top = round(up: points.map(\.series).max() ?? 1)
            parts.append(line("d", 0, points.map { $0.series / top }))
            parts.append(
                "<text x=\"880\" y=\"46\" text-anchor=\"end\">violet: \(seriesName), 0 to \(shown(top))</text>")
        }
        parts += frame(
            1, "replicas: asked for (thin), ready (broad)",
            scale: [0, replicas / 2, replicas].map { ($0 / replicas, shown($0)) })
        parts.append(line("w", 1, points.map { Double($0.ready) / replicas }, isStep: true))
        parts.append(line("b", 1, points.map { Double($0.desired) / replicas }, isStep: true))
        parts += frame(
            2, "p95, worst second of each minute",
            scale: [(100.0, "100 ms"), (500, "500 ms"), (1000, "1 s"), (5000, "5 s")].map { (height($0.0), $0.1) })
        parts.append(line("c", 2, points.map { height($0.p95) }))
        parts.append("<path class=\"c l\" d=\"M\(one(left)) \(one(y(2, height(target))))h\(one(width))\"/>")
        parts += stride(from: 0, through: 24, by: 3).map { hour in
            "<text x=\"\(one(left + width * Double(hour) / 24))\" y=\"546\" text-anchor=\"middle\">\(hour):00</text>"
        }
        return (parts + ["</svg>", ""]).joined(separator: "\n")
    }

    /// 50 ms to 10 s, by powers.
    private func height(_ milliseconds: Double) -> Double {
        let tens = [50.0, 100, 200, 500, 1000, 2000, 5000, 10_000]
        let value = min(max(milliseconds, 50), 10_000)
        // Straight lines between marks: the same on every machine, unlike a logarithm's last digit.
        let index = min((tens.firstIndex { $0 > value } ?? tens.count - 1), tens.count - 1)
        let low = tens[index - 1]
        return (Double(index - 1) + (value - low) / (tens[index] - low)) / Double(tens.count - 1)
    }

    private func y(_ row: Int, _ share: Double) -> Double { 52 + Double(row) * 165 + panel * (1 - share) }

    private func frame(_ row: Int, _ name: String, scale: [(Double, String)]) -> [String] {
        ["<text x=\"70\" y=\"\(one(y(row, 1) - 6))\">\(name)</text>"]
            + scale.map { share, text in
                "<path class=\"g\" d=\"M\(one(left)) \(one(y(row, share)))h\(one(width))\"/>"
                    + "<text x=\"62\" y=\"\(one(y(row, share) + 4))\" text-anchor=\"end\">\(text)</text>"
            }
    }

    /// Points on a straight line are left out.
    private func line(_ style: String, _ row: Int, _ shares: [Double], isStep: Bool = false) -> String {
        var path = ""
        var last: String?
        for (index, share) in shares.enumerated() {
            let height = one(y(row, share))
            if height == last, index != shares.count - 1 { continue }
            let x = one(left + width * Double(index) / Double(max(1, shares.count - 1)))
            if isStep, let last, last != height { path += "L\(x) \(last)" }
            if !isStep, let last, index > 0, last != height {
                path += "L\(one(left + width * Double(index - 1) / Double(max(1, shares.count - 1)))) \(last)"
            }
            path += path.isEmpty ? "M\(x) \(height)" : "L\(x) \(height)"
            last = height
        }
        return "<path class=\"\(style)\" d=\"\(path)\"/>"
    }

    private func round(up value: Double) -> Double {
        var step = 1.0
        while step * 10 < value { step *= 10 }
        return ([1, 2, 3, 4, 5, 6, 8, 10].map { $0 * step }.first { $0 >= value }) ?? step * 10
    }

    private func shown(_ value: Double) -> String { value == value.rounded() ? "\(Int(value))" : one(value) }

    /// One digit after the point.
    private func one(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(abs(tenths % 10))"
    }
}
