/// `envFiles`: a dotenv file whose variables the replicas of a service get.
package struct EnvironmentFile: Sendable, Hashable {
    /// Absolute.
    package var path: String
    /// One that is not there counts as empty.
    package var isOptional: Bool

    package init(path: String, isOptional: Bool = false) {
        self.path = path
        self.isOptional = isOptional
    }
}

/// A text that nobody prints by accident: whatever describes or dumps it shows `<redacted>`.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself, for the process that needs it.
    package let revealed: String

    package init(_ text: String) { revealed = text }

    package var description: String { "<redacted>" }
    package var debugDescription: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// What the files of `envFiles` held when they were read.
package struct FileVariables: Sendable, Hashable {
    package struct Variable: Sendable, Hashable {
        package var name: String
        package var value: Secret

        package init(name: String, value: Secret) {
            self.name = name
            self.value = value
        }
    }

    /// One file that was there.
    package struct File: Sendable, Hashable {
        /// Absolute.
        package var path: String
        /// In the order of the file; of a name that is set twice, the last value only.
        package var variables: [Variable]
        /// Every user of the machine may read it.
        package var isReadableByAll: Bool

        package init(path: String, variables: [Variable], isReadableByAll: Bool = false) {
            self.path = path
            self.variables = variables
            self.isReadableByAll = isReadableByAll
        }
    }

    /// In the order of `envFiles`; an optional one that is not there is left out.
    package var files: [File]
    /// Tells two sets of values apart and says nothing of them: an HMAC under a key of the state directory. Empty where
    /// there are no files, or nobody has kept them yet.
    package var fingerprint: String

    package init(files: [File] = [], fingerprint: String = "") {
        self.files = files
        self.fingerprint = fingerprint
    }

    /// Each name once: a later file wins.
    package var variables: [Variable] {
        var places: [String: Int] = [:]
        var result: [Variable] = []
        for variable in files.flatMap(\.variables) {
            if let place = places[variable.name] {
                result[place] = variable
            } else {
                places[variable.name] = result.count
                result.append(variable)
            }
        }
        return result
    }
}
