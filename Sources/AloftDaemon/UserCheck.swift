import AloftCompute
import AloftModel
import AloftSystem

/// Users of the file that this daemon could start nothing as.
package enum UserCheck {
    package struct Problem: Sendable, Hashable {
        package var path: String
        package var message: String
        package var hint: String
    }

    /// Empty for a plan that can be started by this process.
    package static func problems(of plan: Plan) -> [Problem] {
        ServiceUser.problems(of: plan.services).map { service, failure in
            Problem(
                path: "services.\(service).user", message: "services.\(service): \(failure.reason)",
                hint: failure.remedy)
        }
    }
}
