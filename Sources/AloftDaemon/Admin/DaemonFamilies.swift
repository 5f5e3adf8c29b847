import AloftLogs
import AloftMetrics
import AloftModel

/// What the daemon itself knows, as metrics: services, replicas, certificates, logs, build.
struct DaemonFamilies {
    let status: StatusReport
    let certificates: [CertificateFacts]
    let logs: LogStatistics
    let spool: SpoolStatistics
    let lostEvents: Int
    let reloads: ReloadCounts

    var families: [MetricFamily] { identity + services + replicas + [expiry] + notifications + records }

    private var identity: [MetricFamily] {
        var target: MetricLabels = [
            "service_name": status.app, "service_instance_id": "\(status.pid)", "service_version": status.version,
        ]
        if let environment = status.environment { target["deployment_environment_name"] = environment }
        if let region = status.region { target["cloud_region"] = region }
        var reloaded = MetricFamily("aloft_reloads", help: "Reloads of the file, by outcome.", kind: .counter)
        reloaded.add(MetricValue(reloads.applied), ["outcome": "applied"])
        reloaded.add(MetricValue(reloads.refused), ["outcome": "refused"])
        return [
            MetricFamily(
                "target", help: "What is measured here.", kind: .info,
                samples: [MetricSample(labels: target, value: 1)]),
            MetricFamily(
                "aloft_build", help: "The Aloft that runs.", kind: .info,
                samples: [MetricSample(labels: ["version": status.version, "plan": status.digest], value: 1)]),
            reloaded,
        ]
    }

    private var services: [MetricFamily] {
        var desired = MetricFamily("aloft_service_desired_replicas", help: "Replicas that should run.", kind: .gauge)
        var ready = MetricFamily("aloft_service_ready_replicas", help: "Replicas in rotation.", kind: .gauge)
        for service in status.services {
            desired.add(MetricValue(service.desired), ["service": service.name])
            ready.add(MetricValue(service.ready), ["service": service.name])
        }
        return [desired, ready]
    }

    private var replicas: [MetricFamily] {
        var up = MetricFamily("up", help: "1 where the replica is in rotation.", kind: .gauge)
        var restarts = MetricFamily("aloft_replica_restarts", help: "Starts after the first.", kind: .counter)
        var memory = MetricFamily(
            "aloft_replica_memory_bytes", help: "Memory of a replica's processes.", kind: .gauge, unit: "bytes")
        var processor = MetricFamily(
            "aloft_replica_cpu_seconds", help: "Processor time of the replica's present process.", kind: .counter,
            unit: "seconds")
        for service in status.services {
            for replica in newest(of: service) {
                let labels: MetricLabels = ["service": service.name, "replica": replica.name]
                up.add(replica.inRotation ? 1 : 0, labels)
                restarts.add(MetricValue(replica.restarts), labels)
                if let bytes = replica.memory { memory.add(MetricValue(bytes), labels) }
                if let seconds = replica.cpuSeconds { processor.add(MetricValue(seconds), labels) }
            }
        }
        return [up, restarts, memory, processor]
    }

    /// While one process replaces another, both bear one name; the newer one is meant.
    private func newest(of service: ServiceReport) -> [ReplicaReport] {
        var newest: [String: ReplicaReport] = [:]
        for replica in service.replicas where replica.generation >= newest[replica.name]?.generation ?? 0 {
            newest[replica.name] = replica
        }
        return newest.values.sorted { $0.name < $1.name }
    }

    private var notifications: [MetricFamily] {
        var working = MetricFamily(
            "aloft_channel_working", help: "1 unless the last try failed or its words can't be used.", kind: .gauge)
        var waiting = MetricFamily(
            "aloft_channel_waiting_notices", help: "Notices that wait to be sent.", kind: .gauge)
        var dropped = MetricFamily("aloft_channel_dropped_notices", help: "Notices given up.", kind: .counter)
        for channel in status.channels ?? [] {
            let labels: MetricLabels = ["channel": channel.name, "kind": channel.kind]
            working.add(channel.state == "working" ? 1 : 0, labels)
            waiting.add(MetricValue(channel.waiting), labels)
            dropped.add(MetricValue(channel.dropped), labels)
        }
        return [working, waiting, dropped]
    }

    private var expiry: MetricFamily {
        var family = MetricFamily(
            "aloft_certificate_not_after_timestamp_seconds", help: "When a certificate ends, in Unix time.",
            kind: .gauge, unit: "seconds")
        var seen: Set<String> = []
        for certificate in certificates where seen.insert(certificate.hosts).inserted {
            family.add(
                MetricValue(Double(certificate.notAfter.nanoseconds) / 1e9), ["hosts": certificate.hosts])
        }
        return family
    }

    private var records: [MetricFamily] {
        [
            counter("aloft_log_written_bytes", "Bytes written to logs.", logs.writtenBytes, unit: "bytes"),
            counter("aloft_log_dropped_records", "Records lost for want of room.", logs.droppedRecords),
            counter("aloft_log_write_errors", "Writes of logs that failed.", logs.writeErrors),
            gauge("aloft_log_stored_bytes", "Bytes of all log segments.", logs.storedBytes, unit: "bytes"),
            gauge("aloft_log_queued_bytes", "Bytes of records that wait.", logs.queuedBytes, unit: "bytes"),
            counter("aloft_output_lines", "Lines that replicas printed.", spool.lines),
            counter(
                "aloft_output_dropped_bytes", "Output given up because it came too fast.", spool.droppedBytes,
                unit: "bytes"),
            counter("aloft_lost_events", "Events that never reached the journal.", UInt64(clamping: lostEvents)),
        ]
    }

    private func counter(_ name: String, _ help: String, _ value: UInt64, unit: String = "") -> MetricFamily {
        MetricFamily(
            name, help: help, kind: .counter, unit: unit, samples: [MetricSample(value: MetricValue(value))])
    }

    private func gauge(_ name: String, _ help: String, _ value: Int, unit: String = "") -> MetricFamily {
        MetricFamily(name, help: help, kind: .gauge, unit: unit, samples: [MetricSample(value: MetricValue(value))])
    }
}

/// What is reported of one certificate; never its key.
package struct CertificateFacts: Sendable, Hashable {
    package var hosts: String
    package var notAfter: Timestamp
}

/// Reloads since the daemon started.
package struct ReloadCounts: Sendable, Hashable {
    package var applied = 0
    package var refused = 0
}
