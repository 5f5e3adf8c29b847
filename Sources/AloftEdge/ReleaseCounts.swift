extension EdgeStatistics {
    /// What one release of a service has done, all loops together and replicas that have left included.
    ///
    /// Counts attempts that came to an answer or a failure, so that a request that was retried counts twice and one
    /// that its client gave up does not count. Never goes down while the release has
    /// replicas or stands in the split; it is forgotten at the earliest an hour after that.
    package struct ReleaseCounts: Sendable, Hashable {
        package var service: String
        /// `Endpoint.release`.
        package var release: Int
        package var requests: UInt64
        /// Answered with 5xx by the replica, or refused, broken off, nonsense, too late.
        package var failures: UInt64
        /// From sending the request to the head of the answer; attempts without an answer are not in it.
        package var latency: LatencyDigest
        /// Those of `requests` that were copies whose answers were thrown away.
        package var mirrored: UInt64
        /// Copies that were not made because too many were under way.
        package var mirrorsDropped: UInt64

        package init(
            service: String, release: Int, requests: UInt64 = 0, failures: UInt64 = 0,
            latency: LatencyDigest = LatencyDigest(), mirrored: UInt64 = 0, mirrorsDropped: UInt64 = 0
        ) {
            self.service = service
            self.release = release
            self.requests = requests
            self.failures = failures
            self.latency = latency
            self.mirrored = mirrored
            self.mirrorsDropped = mirrorsDropped
        }

        /// What was added since `earlier`; counts that went down, as after a restart, give what is there now.
        package func since(_ earlier: ReleaseCounts) -> ReleaseCounts {
            guard earlier.requests <= requests else { return self }
            return ReleaseCounts(
                service: service, release: release, requests: requests - earlier.requests,
                failures: failures - min(failures, earlier.failures), latency: latency.subtracting(earlier.latency),
                mirrored: mirrored - min(mirrored, earlier.mirrored),
                mirrorsDropped: mirrorsDropped - min(mirrorsDropped, earlier.mirrorsDropped))
        }
    }

    /// The requests of one service that had to wait for a replica.
    package struct HeldRequests: Sendable, Hashable {
        package var service: String
        /// Waiting now.
        package var waiting: Int
        package var held: UInt64
        /// Waited for too long and were answered with 503.
        package var heldExpired: UInt64
        /// Found no place among those waiting and were answered with 503.
        package var holdsRefused: UInt64

        package init(
            service: String, waiting: Int = 0, held: UInt64 = 0, heldExpired: UInt64 = 0, holdsRefused: UInt64 = 0
        ) {
            self.service = service
            self.waiting = waiting
            self.held = held
            self.heldExpired = heldExpired
            self.holdsRefused = holdsRefused
        }
    }
}
