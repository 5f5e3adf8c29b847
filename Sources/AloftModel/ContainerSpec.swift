/// `image` or `build`: the service's replicas are containers, run by podman or docker.
package struct ContainerSpec: Sendable, Hashable {
    package enum Source: Sendable, Hashable {
        /// A reference such as `ghcr.io/acme/api:1.4`.
        case image(String)
        /// Absolute folder with a Dockerfile or Containerfile.
        case build(directory: String)
    }

    /// Kubernetes' `imagePullPolicy`.
    package enum Pull: String, Sendable, Hashable, CaseIterable { case missing, always, never }

    package var source: Source
    package var pull: Pull
    /// Port on which the program in the container listens; nil where it reads `$PORT`.
    package var port: Int?
    /// For a registry that asks who it is.
    package var registry: RegistryCredentials?

    package init(source: Source, pull: Pull = .missing, port: Int? = nil, registry: RegistryCredentials? = nil) {
        self.source = source
        self.pull = pull
        self.port = port
        self.registry = registry
    }
}

package struct RegistryCredentials: Sendable, Hashable {
    package var username: Template
    /// `${env.REGISTRY_PASSWORD}`; never written to a log, a record or a command line.
    package var password: Template

    package init(username: Template, password: Template) {
        self.username = username
        self.password = password
    }
}
