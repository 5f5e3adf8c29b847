import AloftModel

extension LogStore {
    /// Queues one line as a record of the application log, as if the replica had printed it.
    ///
    /// For output that does not come from a replica's files: jobs.
    package func append(_ line: String, of replica: ReplicaID, output: LogQuery.Output, at time: Timestamp) {
        var record: [UInt8] = []
        RecordWriter(replica: replica, output: output).append(
            Array(line.utf8)[...], isPartial: false, at: time, to: &record)
        append(.application, record)
    }
}
