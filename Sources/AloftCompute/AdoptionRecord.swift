import AloftModel
import AloftSystem

/// All that is needed to find a replica again after the daemon was killed, and to know what it should be.
package struct AdoptionRecord: Sendable, Hashable, Codable {
    package var id: ReplicaID
    /// The release that it runs; 0 in records of a daemon that did not tell releases apart.
    package var release: Int
    /// A restart was asked for and has not reached it yet: the next daemon goes on with it.
    package var restartAsked: Bool
    /// Pid, start time and boot: together they name one process for good.
    package var process: ProcessIdentity
    package var address: ReplicaAddress
    /// Of the service as it was started: command, directory, environment, limits.
    package var specDigest: String
    /// `run/<replica>` in the state directory; holds the two spool files and the socket.
    package var directory: String
    package var stdoutPath: String
    package var stderrPath: String
    package var started: Timestamp
    package var enforcement: Enforcement
    /// Directories of the cgroups that the replica is in; empty where there are none.
    package var cgroups: [String]
    /// Memory limit that was asked for, to name it when the kernel kills the replica for it.
    package var memoryLimit: ByteSize?

    package init(
        id: ReplicaID, release: Int = 0, restartAsked: Bool = false, process: ProcessIdentity, address: ReplicaAddress,
        specDigest: String, directory: String, stdoutPath: String, stderrPath: String, started: Timestamp,
        enforcement: Enforcement, cgroups: [String], memoryLimit: ByteSize?
    ) {
        self.id = id
        self.release = release
        self.restartAsked = restartAsked
        self.process = process
        self.address = address
        self.specDigest = specDigest
        self.directory = directory
        self.stdoutPath = stdoutPath
        self.stderrPath = stderrPath
        self.started = started
        self.enforcement = enforcement
        self.cgroups = cgroups
        self.memoryLimit = memoryLimit
    }

    /// Reads records of earlier versions as well, which had no release and kept no restart.
    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try fields.decode(ReplicaID.self, forKey: .id),
            release: try fields.decodeIfPresent(Int.self, forKey: .release) ?? 0,
            restartAsked: try fields.decodeIfPresent(Bool.self, forKey: .restartAsked) ?? false,
            process: try fields.decode(ProcessIdentity.self, forKey: .process),
            address: try fields.decode(ReplicaAddress.self, forKey: .address),
            specDigest: try fields.decode(String.self, forKey: .specDigest),
            directory: try fields.decode(String.self, forKey: .directory),
            stdoutPath: try fields.decode(String.self, forKey: .stdoutPath),
            stderrPath: try fields.decode(String.self, forKey: .stderrPath),
            started: try fields.decode(Timestamp.self, forKey: .started),
            enforcement: try fields.decode(Enforcement.self, forKey: .enforcement),
            cgroups: try fields.decode([String].self, forKey: .cgroups),
            memoryLimit: try fields.decodeIfPresent(ByteSize.self, forKey: .memoryLimit))
    }
}
