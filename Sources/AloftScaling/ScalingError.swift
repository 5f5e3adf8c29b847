/// Why a number set by hand is refused.
package enum ScalingError: Error, Sendable, Hashable, CustomStringConvertible {
    case unknownService(String)
    /// The bounds in force.
    case outOfBounds(Int, minimum: Int, maximum: Int)

    package var description: String {
        switch self {
        case .unknownService(let name):
            "there is no service '\(name)'"
        case .outOfBounds(let number, let minimum, let maximum):
            "\(number) is outside the bounds in force now, \(minimum) to \(maximum) replicas"
        }
    }
}
