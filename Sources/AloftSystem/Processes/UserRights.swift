import CAloftSystem

/// The numbers that say what a process may do.
package struct UserRights: Sendable, Hashable, Codable {
    package var user: UInt32
    package var group: UInt32
    /// All groups, `group` among them.
    package var groups: [UInt32]

    package init(user: UInt32, group: UInt32, groups: [UInt32]) {
        self.user = user
        self.group = group
        self.groups = groups
    }

    /// As C takes them, for as long as `body` runs; NULL where there are none.
    static func pointer<Value>(
        to rights: UserRights?, _ body: (UnsafePointer<aloft_user>?) -> Value
    ) -> Value {
        guard let rights else { return body(nil) }
        return rights.groups.withUnsafeBufferPointer { groups in
            var numbers = aloft_user(
                user: rights.user, group: rights.group, groups: groups.baseAddress, group_count: groups.count)
            return withUnsafePointer(to: &numbers) { body($0) }
        }
    }
}
