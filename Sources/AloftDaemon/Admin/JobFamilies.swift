import AloftJobs
import AloftMetrics
import AloftModel

/// How jobs went, as metrics.
struct JobFamilies {
    let jobs: [JobStatus]

    var families: [MetricFamily] {
        guard !jobs.isEmpty else { return [] }
        var runs = MetricFamily("aloft_job_runs", help: "Runs of a job that are over, by result.", kind: .counter)
        var running = MetricFamily("aloft_job_running", help: "Runs of a job that are under way.", kind: .gauge)
        var success = MetricFamily(
            "aloft_job_last_success_timestamp_seconds", help: "When a job last succeeded, in Unix time.", kind: .gauge,
            unit: "seconds")
        var duration = MetricFamily(
            "aloft_job_last_duration_seconds", help: "How long a job's last run took.", kind: .gauge, unit: "seconds")
        for job in jobs {
            let labels: MetricLabels = ["job": job.spec.name, "service": job.spec.service]
            running.add(MetricValue(job.state.underWay.count), labels)
            for result in JobRun.Result.allCases where result.isOver {
                var labels = labels
                labels["result"] = result.rawValue
                runs.add(MetricValue(job.state.counts[result.rawValue] ?? 0), labels)
            }
            if let time = job.state.lastSuccess { success.add(MetricValue(Double(time.nanoseconds) / 1e9), labels) }
            let last = job.state.runs.last { $0.ended != nil && $0.result != .skipped && $0.result != .missed }
            if let last, let ended = last.ended {
                duration.add(MetricValue(Double((ended - last.began).nanoseconds) / 1e9), labels)
            }
        }
        return [runs, running, success, duration]
    }
}
