/// How the requests of one service are shared between its releases while two of them run.
///
/// Without a split every replica in rotation is as good as another.
package struct TrafficSplit: Sendable, Hashable, Codable {
    /// Shares in basis points that add up to 10 000; a release that is not named gets nothing, but for forced requests.
    package var weights: [Int: Int]
    package var stable: Int
    package var canary: Int

    /// - Precondition: The weights add up to 10 000.
    package init(stable: Int, canary: Int, canaryShare: Percent) {
        self.stable = stable
        self.canary = canary
        weights = [stable: 10_000 - canaryShare.basisPoints, canary: canaryShare.basisPoints]
    }

    package var canaryShare: Percent { Percent(basisPoints: weights[canary] ?? 0) }
}
