/// The torture as a program of its own plays it, where every descriptor of the process can be counted.
package enum ReactorTorture {
    /// Plays rounds until the time is over, at least two; prints each. False where one found something.
    package static func play(firstSeed: UInt64, seconds: Int, folder: String) async -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        var seed = firstSeed
        var descriptors: Int?
        repeat {
            do {
                let report = try await Torture.run(seed: seed, steps: 6000, folder: folder, descriptors: descriptors)
                print(report)
                if !report.problems.isEmpty { return false }
                // Swift's runtime opens some of its own once, such as for its timers: the first round shows how many.
                if descriptors == nil {
                    try await Task.sleep(for: .seconds(1))
                    descriptors = TortureSockets.openDescriptors()
                }
            } catch {
                print("seed \(seed): \(error)")
                return false
            }
            seed += 1
        } while clock.now < end || seed < firstSeed + 2
        return true
    }
}
