/// Names one replica of one service for as long as its process lives: `web-2`, started for the 5th time.
package struct ReplicaID: Sendable, Hashable, Codable, CustomStringConvertible {
    package let service: String
    /// From 1; stays the same across restarts.
    package let index: Int
    /// From 1; one more for each process started under this name.
    package let generation: Int

    package init(service: String, index: Int, generation: Int) {
        self.service = service
        self.index = index
        self.generation = generation
    }

    /// `web-2`: what people type and metrics carry.
    package var name: String { "\(service)-\(index)" }

    package var description: String { "\(name)#\(generation)" }
}

/// Where a replica answers.
package enum ReplicaAddress: Sendable, Hashable, Codable {
    /// A TCP port on 127.0.0.1.
    case port(Int)
    /// Path of a Unix stream socket.
    case unix(String)
    /// A worker: nobody sends it anything.
    case nowhere
}

/// A replica that may be sent requests.
package struct Endpoint: Sendable, Hashable {
    package let replica: ReplicaID
    package let address: ReplicaAddress
    /// Number of the release that it runs, from 1; 0 where releases are not told apart.
    package let release: Int

    package init(replica: ReplicaID, address: ReplicaAddress, release: Int = 0) {
        self.replica = replica
        self.address = address
        self.release = release
    }
}
