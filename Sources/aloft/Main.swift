import AloftCLI
import Foundation

@main
struct Main {
    static func main() async {
        exit(await AloftCommand.run(Array(CommandLine.arguments.dropFirst())))
    }
}
