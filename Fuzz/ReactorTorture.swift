import Glibc
import ReactorTorture

/// Plays the reactor's torture until a time is over, each round with the next seed: see `scripts/test-reactor`.
@main
enum Main {
    static func main() async {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let seed = UInt64(arguments[1]), let seconds = Int(arguments[2]) else {
            print("use: \(arguments[0]) FIRST-SEED SECONDS FOLDER")
            exit(2)
        }
        let passed = await ReactorTorture.play(firstSeed: seed, seconds: seconds, folder: arguments[3])
        exit(passed ? 0 : 1)
    }
}
