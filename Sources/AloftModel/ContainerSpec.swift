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
    /// Folders and files of this machine that the container sees.
    package var volumes: [VolumeSpec]

    package init(
        source: Source, pull: Pull = .missing, port: Int? = nil, registry: RegistryCredentials? = nil,
        volumes: [VolumeSpec] = []
    ) {
        self.source = source
        self.pull = pull
        self.port = port
        self.registry = registry
        self.volumes = volumes
    }
}

/// One of `volumes`: a folder or file of this machine at a place in the container.
package struct VolumeSpec: Sendable, Hashable {
    /// Absolute, in the container.
    package var path: String
    /// Absolute, on this machine.
    package var from: String
    package var isReadOnly: Bool

    package init(path: String, from: String, isReadOnly: Bool = false) {
        self.path = path
        self.from = from
        self.isReadOnly = isReadOnly
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
