import Foundation

/// The program that makes the containers of a test: podman, or what `ALOFT_CONTAINER_ENGINE` names to Aloft as well.
package enum TestEngine {
    package static let program = isChosen ? chosen : "podman"

    /// True where the run of tests is for this engine.
    package static let isChosen = !chosen.isEmpty

    private static let chosen = ProcessInfo.processInfo.environment["ALOFT_CONTAINER_ENGINE"] ?? ""

    package static let isDocker = program.split(separator: "/").last?.contains("docker") == true

    /// What the engine and Aloft are told of it by the environment.
    package static let environment = ProcessInfo.processInfo.environment.filter { name, _ in
        ["HOME", "ALOFT_CONTAINER_ENGINE", "DOCKER_HOST", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"]
            .contains(name)
    }

    /// Words that end and remove containers at once; their names follow.
    package static let remove = ["rm", "--force"] + (isDocker ? [] : ["--time", "0"])

    /// Words that build an image and leave none of its layers as images of their own; the folder follows.
    package static func build(_ image: String) -> [String] {
        ["build", "--quiet", "--tag", image] + (isDocker ? [] : ["--layers=false"])
    }
}
