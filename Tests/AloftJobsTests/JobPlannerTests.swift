import AloftModel
import Testing

@testable import AloftJobs

/// 2027-01-15T08:00:00Z.
private let morning = Timestamp(nanoseconds: 1_800_000_000_000_000_000)

@Suite("What becomes of a job")
struct JobPlannerTests {
    private func job(
        _ cron: String? = "*/10 * * * * UTC", overlap: JobSpec.Overlap = .skip, retries: Int = 0,
        startWithin: Duration = .seconds(3600)
    ) throws -> JobSpec {
        JobSpec(
            name: "digest", service: "api", command: [Template("x")],
            schedule: try cron.map { try Schedule(parsing: $0) },
            overlap: overlap, retries: retries, startWithin: startWithin)
    }

    private func planner(_ spec: JobSpec) -> JobPlanner { JobPlanner(spec) { _ in .zero } }

    private func minutes(_ count: Int) -> Timestamp { morning + .seconds(60 * count) }

    @Test("a job that is new waits for its next time, whatever it would have said of the past")
    func new() throws {
        let decision = planner(try job()).look(JobState(), at: minutes(3))
        #expect(decision.begin.isEmpty && decision.leftOut.isEmpty)
        #expect(decision.next == minutes(10))
    }

    @Test("a time begins one run, however often it is looked at")
    func once() throws {
        let planner = planner(try job())
        var state = planner.look(JobState(), at: minutes(3)).state
        let due = planner.look(state, at: minutes(10))
        #expect(due.begin.map(\.number) == [1] && due.begin[0].cause == .clock(minutes(10)))
        state = due.state
        for time in [minutes(10), minutes(10) + .seconds(30), minutes(9), minutes(3)] {
            let again = planner.look(state, at: time)
            #expect(again.begin.isEmpty && again.leftOut.isEmpty)
            #expect(again.next == minutes(20))
        }
    }

    @Test("after a pause the latest time runs if it is not too late; all others are missed, in one record")
    func late() throws {
        let planner = planner(try job(startWithin: .seconds(300)))
        let state = planner.look(JobState(), at: minutes(3)).state
        let soon = planner.look(state, at: minutes(34))
        #expect(soon.begin.map(\.cause) == [.clock(minutes(30))])
        #expect(soon.leftOut.map(\.result) == [.missed])
        #expect(soon.leftOut[0].detail == "2 times since \(minutes(10))")
        #expect(soon.state.counts["missed"] == 2)
        let late = planner.look(state, at: minutes(38))
        #expect(late.begin.isEmpty)
        #expect(late.state.counts["missed"] == 3 && late.state.handled == minutes(30))
        #expect(planner.look(late.state, at: minutes(39)).leftOut.isEmpty)
    }

    @Test("a schedule of every minute that was missed for a month is counted with a bound")
    func manyMissed() throws {
        let planner = planner(try job("* * * * * UTC", startWithin: .zero))
        let state = planner.look(JobState(), at: morning).state
        let decision = planner.look(state, at: morning + .seconds(30 * 86_400 + 30))
        #expect(decision.begin.count == 1)
        #expect(decision.leftOut.count == 1 && decision.leftOut[0].detail?.hasPrefix("1000 times or more") == true)
    }

    @Test("while one runs, `skip` leaves the next out, `queue` keeps one waiting, `allow` runs ten")
    func overlap() throws {
        func results(_ overlap: JobSpec.Overlap, times: Int) throws -> JobState {
            let planner = planner(try job(overlap: overlap))
            var state = planner.look(JobState(), at: morning).state
            for time in 1...times { state = planner.look(state, at: minutes(10 * time)).state }
            return state
        }
        #expect(try results(.skip, times: 3).runs.map(\.result) == [.running, .skipped, .skipped])
        #expect(try results(.queue, times: 3).runs.map(\.result) == [.running, .queued, .skipped])
        let many = try results(.allow, times: 12)
        #expect(many.underWay.count == 10 && many.counts["skipped"] == 2)
    }

    @Test("the run that waits begins when the one before has ended")
    func queued() throws {
        let planner = planner(try job(overlap: .queue))
        var state = planner.look(JobState(), at: morning).state
        state = planner.look(state, at: minutes(10)).state
        state = planner.look(state, at: minutes(20)).state
        let decision = planner.end(1, .exited(0), in: state, at: minutes(21))
        #expect(decision.begin.map(\.number) == [2])
        #expect(decision.state.runs.map(\.result) == [.succeeded, .running])
        #expect(decision.state[2]?.began == minutes(21))
        #expect(decision.state.lastSuccess == minutes(21))
    }

    @Test("somebody can run it by hand, but not beside another run unless `overlap` allows that")
    func byHand() throws {
        let planner = planner(try job(nil))
        let first = try #require(planner.ask(JobState(), by: "ann", at: morning))
        #expect(first.begin.map(\.cause) == [.person("ann")])
        #expect(planner.ask(first.state, by: "bob", at: morning) == nil)
        #expect(self.planner(try job(overlap: .allow)).ask(first.state, by: "bob", at: morning) != nil)
        #expect(planner.look(first.state, at: minutes(60)).next == nil)
    }

    @Test("a failed run by the clock is tried again after 10 s, 20 s and so on; one by hand is not")
    func retries() throws {
        let planner = planner(try job(retries: 3))
        func run(_ attempt: Int, _ cause: JobRun.Cause) -> JobRun {
            JobRun(number: 1, cause: cause, result: .running, began: morning, attempt: attempt)
        }
        let waits = (1...4).map { planner.wait(after: .exited(1), of: run($0, .clock(morning))) }
        #expect(waits == [.seconds(10), .seconds(20), .seconds(40), nil])
        #expect(planner.wait(after: .timedOut, of: run(1, .clock(morning))) == .seconds(10))
        #expect(planner.wait(after: .exited(0), of: run(1, .clock(morning))) == nil)
        #expect(planner.wait(after: .exited(1), of: run(1, .person("ann"))) == nil)
        let patient = self.planner(try job(retries: 10))
        #expect(patient.wait(after: .exited(1), of: run(10, .clock(morning))) == .seconds(600))
    }

    @Test("another schedule begins with its next time, and asks nothing of the past")
    func changed() throws {
        var state = planner(try job()).look(JobState(), at: morning).state
        state = planner(try job()).look(state, at: minutes(10)).state
        let other = planner(try job("*/7 * * * * UTC")).look(state, at: minutes(30))
        #expect(other.begin.isEmpty && other.leftOut.isEmpty)
        #expect(other.next == minutes(35))
        let byHand = planner(try job(nil)).look(other.state, at: minutes(31))
        #expect(byHand.state.handled == nil && byHand.next == nil)
    }

    @Test("a clock set back by a little runs nothing twice; one that was a day ahead does not stop the job")
    func clockSetBack() throws {
        let planner = planner(try job())
        var state = planner.look(JobState(), at: morning).state
        state = planner.look(state, at: minutes(10)).state
        #expect(planner.look(state, at: minutes(-60)).begin.isEmpty)
        let far = planner.look(state, at: minutes(-2 * 1440))
        #expect(far.begin.isEmpty && far.next == minutes(-2 * 1440 + 10))
    }

    @Test("a time that daylight saving leaves out comes once at the jump, one that comes twice comes once")
    func daylightSaving() throws {
        // Berlin in 2027: 28 March 01:00Z from +1 to +2, 31 October 01:00Z from +2 to +1.
        let spring = Timestamp(nanoseconds: 1_806_195_600_000_000_000)
        let autumn = Timestamp(nanoseconds: 1_824_944_400_000_000_000)
        let offset: @Sendable (Timestamp) -> Duration = {
            $0 < spring || $0 >= autumn ? .seconds(3600) : .seconds(7200)
        }
        func runs(from start: Timestamp, hours: Int) throws -> [Timestamp] {
            let planner = JobPlanner(try job("30 2 * * * Europe/Berlin"), offset: offset)
            var state = planner.look(JobState(), at: start).state
            var times: [Timestamp] = []
            for minute in 0..<(hours * 60) {
                let decision = planner.look(state, at: start + .seconds(60 * minute))
                state = decision.state
                for run in decision.begin {
                    if case .clock(let time) = run.cause { times.append(time) }
                    state = planner.end(run.number, .exited(0), in: state, at: start + .seconds(60 * minute)).state
                }
            }
            return times
        }
        let before = Duration.seconds(-12 * 3600)
        #expect(try runs(from: spring + before, hours: 24) == [spring])
        #expect(try runs(from: autumn + before, hours: 24) == [autumn + .seconds(-1800)])
    }

    @Test("a daemon that begins finds runs that were cut off, and says so once")
    func restored() throws {
        let planner = planner(try job(overlap: .queue))
        var state = planner.look(JobState(), at: morning).state
        state = planner.look(state, at: minutes(10)).state
        state = planner.look(state, at: minutes(20)).state
        let (next, interrupted) = JobPlanner.restored(state, at: minutes(25))
        #expect(interrupted.map(\.result) == [.interrupted, .missed])
        #expect(next.underWay.isEmpty && next.counts["interrupted"] == 1)
        #expect(JobPlanner.restored(next, at: minutes(26)).interrupted.isEmpty)
        #expect(planner.look(next, at: minutes(26)).begin.isEmpty)
    }

    @Test("a hundred runs are remembered, the oldest forgotten first, one that runs never")
    func bounded() throws {
        let planner = planner(try job(overlap: .allow))
        var state = try #require(planner.ask(JobState(), by: "ann", at: morning)).state
        for number in 2...300 {
            state = try #require(planner.ask(state, by: "ann", at: morning)).state
            state = planner.end(number, .exited(0), in: state, at: morning).state
        }
        #expect(state.runs.count == JobState.mostRuns)
        #expect(state[1]?.result == .running && state.lastNumber == 300)
        #expect(state.counts["succeeded"] == 299)
    }
}
