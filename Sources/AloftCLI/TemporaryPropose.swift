import AloftLanguage
extension Language { static func propose(_ f: FolderListing) -> Proposal { preconditionFailure("not yet") } }
