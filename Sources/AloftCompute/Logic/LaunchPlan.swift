import AloftModel
import AloftSystem

/// What a replica is started with: every reference of the file replaced.
package struct LaunchPlan: Sendable, Hashable {
    package var arguments: [String]
    /// `NAME=value`, in the order of the file after what every replica gets.
    package var environment: [String]
    package var directory: String
    /// PATH as the replica sees it.
    package var path: String
    /// Whom it runs as; nil: as Aloft itself.
    package var user: UserIdentity?
    /// Soft limit of open files; nil is what Aloft was started with.
    package var openFiles: Int?

    package enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        case missingVariable(String)
        case wrongAddress(String)
        case noAddress(String)

        package var description: String {
            switch self {
            case .missingVariable(let name):
                "`${env.\(name)}`: the variable \(name) has no value: export it and `aloft reload`, or take it out of the file"
            case .wrongAddress(let reference):
                "`${\(reference)}` has no meaning here: it goes with `listen: \(reference == "PORT" ? "port" : "unix")`"
            case .noAddress(let reference):
                "`${\(reference)}` has no meaning here: a command that runs once has no address of its own"
            }
        }
    }

    /// - Parameter host: The environment of `aloft up`; only PATH, HOME and LANG of it are passed on.
    package init(
        _ spec: ServiceSpec, replica: ReplicaID, address: ReplicaAddress, host: [String: String]
    ) throws(Failure) {
        let resolve = Resolver(address: address, host: host)
        arguments = try resolve.all(spec.command)
        directory = spec.directory
        openFiles = spec.resources.limits.openFiles
        var variables = Self.inherited(host)
        switch address {
        case .port(let port): variables.append(("PORT", "\(port)"))
        case .unix(let path): variables.append(("SOCKET", path))
        case .nowhere: break
        }
        variables.append(("ALOFT_SERVICE", spec.name))
        variables.append(("ALOFT_REPLICA", replica.name))
        Self.add(spec.fileVariables, to: &variables)
        for variable in spec.environment {
            variables.removeAll { $0.name == variable.name }
            variables.append((variable.name, try resolve.one(variable.value)))
        }
        environment = variables.map { "\($0.name)=\($0.value)" }
        path = Self.path(variables)
    }

    /// A command that runs once, beside no replica: what names an address is left out of its environment.
    init(_ command: ServiceCommand, host: [String: String]) throws(Failure) {
        let resolve = Resolver(address: nil, host: host)
        arguments = try resolve.all(command.command)
        directory = command.spec.directory
        openFiles = command.spec.resources.limits.openFiles
        var variables = Self.inherited(host)
        variables.append(("ALOFT_SERVICE", command.spec.name))
        variables.append(("ALOFT_RELEASE", "\(command.release)"))
        Self.add(command.spec.fileVariables, to: &variables)
        for variable in command.spec.environment where !variable.value.parts.contains(where: Self.isAddress) {
            variables.removeAll { $0.name == variable.name }
            variables.append((variable.name, try resolve.one(variable.value)))
        }
        environment = variables.map { "\($0.name)=\($0.value)" }
        path = Self.path(variables)
    }

    /// Of `envFiles`; what `env` sets comes later and wins.
    private static func add(_ files: FileVariables, to variables: inout [(name: String, value: String)]) {
        for variable in files.variables {
            variables.removeAll { $0.name == variable.name }
            variables.append((variable.name, variable.value.revealed))
        }
    }

    private static func isAddress(_ part: Template.Part) -> Bool { part == .port || part == .socket }

    private static func inherited(_ host: [String: String]) -> [(name: String, value: String)] {
        ["PATH", "HOME", "LANG"].compactMap { name in host[name].map { (name, $0) } }
    }

    private static func path(_ variables: [(name: String, value: String)]) -> String {
        variables.first { $0.name == "PATH" }?.value ?? "/usr/local/bin:/usr/bin:/bin"
    }

    /// The command of a probe, with the same references.
    package static func command(
        _ templates: [Template], address: ReplicaAddress, host: [String: String]
    ) throws(Failure) -> [String] {
        try Resolver(address: address, host: host).all(templates)
    }

    private struct Resolver {
        /// Nil where there is none.
        let address: ReplicaAddress?
        let host: [String: String]

        func all(_ templates: [Template]) throws(Failure) -> [String] {
            var texts: [String] = []
            for template in templates { texts.append(try one(template)) }
            return texts
        }

        func one(_ template: Template) throws(Failure) -> String {
            var text = ""
            for part in template.parts { text += try value(part) }
            return text
        }

        private func value(_ part: Template.Part) throws(Failure) -> String {
            switch (part, address) {
            case (.text(let text), _): return text
            case (.port, nil): throw .noAddress("PORT")
            case (.socket, nil): throw .noAddress("SOCKET")
            case (.port, .port(let port)): return "\(port)"
            case (.socket, .unix(let path)): return path
            case (.port, _): throw .wrongAddress("PORT")
            case (.socket, _): throw .wrongAddress("SOCKET")
            case (.environment(let name), _):
                guard let value = host[name] else { throw .missingVariable(name) }
                return value
            }
        }
    }
}
