import AloftModel

extension Language {
    /// What changes from one plan to another, key by key in the order of the language.
    package static func difference(from old: Plan, to new: Plan) -> [PlanChange] {
        var comparison = Comparison()
        comparison.compare(old.outline, new.outline, Place(form: .section(FileKeys.section.form)))
        comparison.compareEnvFiles(old, new)
        if old.environment != new.environment {
            comparison.changes.append(
                PlanChange(
                    path: FileKeys.environments.name, kind: .changed, old: old.environment ?? "none",
                    new: new.environment ?? "none", effect: Effect.none.description(service: nil)))
        }
        return comparison.changes
    }
}

/// Where a comparison stands.
private struct Place {
    /// With the user's names: `services.web.env`.
    var path = ""
    var form: Form
    var effect = Effect.atOnce
    var service: String?
    /// Steps below the file.
    var depth = 0

    func below(_ name: String, _ form: Form, effect: Effect? = nil) -> Place {
        var place = self
        place.path += path.isEmpty ? name : name.hasPrefix("[") ? name : "." + name
        place.form = form
        place.effect = effect ?? self.effect
        place.depth += 1
        if depth == 1, path == FileKeys.services.name { place.service = name }
        return place
    }

    /// A whole service, not one of its keys.
    var isService: Bool { depth == 2 && service != nil }
}

/// Walks two spelled plans together.
private struct Comparison {
    var changes: [PlanChange] = []

    mutating func compare(_ old: Outline?, _ new: Outline?, _ place: Place) {
        guard old != new else { return }
        guard let old, let new else {
            add(old, new, place)
            return
        }
        switch (place.form, old, new) {
        case (.section(let form), .map(let left), .map(let right)),
            (.overlay(let form), .map(let left), .map(let right)):
            for key in form.keys {
                compare(left[key.name], right[key.name], place.below(key.name, key.form, effect: key.effect))
            }
        case (.map(_, let form, _), .map(let left), .map(let right)):
            for name in Self.union(left.map(\.name), right.map(\.name)) {
                compare(left[name], right[name], place.below(name, form))
            }
        case (.list(let form, _), .list(let left), .list(let right)) where form.section != nil:
            compareItems(Self.labelled(left), Self.labelled(right), form, place)
        case (.either(let forms), .map, .map):
            guard let section = forms.first(where: { $0.section != nil }) else { return add(old, new, place) }
            var inner = place
            inner.form = section
            compare(old, new, inner)
        default: add(old, new, place)
        }
    }

    private mutating func compareItems(
        _ old: [Outline.Member], _ new: [Outline.Member], _ form: Form, _ place: Place
    ) {
        for label in Self.union(old.map(\.name), new.map(\.name)) {
            compare(old[label], new[label], place.below("[\(label)]", form))
        }
        let kept = old.map(\.name).filter { new[$0] != nil }
        let order = new.map(\.name).filter { old[$0] != nil }
        if kept != order {
            changes.append(
                PlanChange(
                    path: place.path, kind: .changed, old: "order " + kept.joined(separator: ", "),
                    new: "order " + order.joined(separator: ", "), effect: place.effect.description(service: nil)))
        }
    }

    /// Which files hold something else than before; what, is for nobody to read.
    mutating func compareEnvFiles(_ old: Plan, _ new: Plan) {
        let folder = new.directory.hasSuffix("/") ? new.directory : new.directory + "/"
        for service in new.services {
            guard let before = old.services.first(where: { $0.name == service.name }) else { continue }
            let (left, right) = (contents(of: before), contents(of: service))
            // A file that the list names anew, or no more, is a change of the list.
            let kept = Set(before.envFiles.map(\.path)).intersection(service.envFiles.map(\.path))
            for path in kept.sorted() where left[path] != right[path] {
                let name = path.hasPrefix(folder) ? String(path.dropFirst(folder.count)) : path
                let what = left[path] == nil ? "is there now" : right[path] == nil ? "is gone" : "changed"
                changes.append(
                    PlanChange(
                        path: "services.\(service.name).envFiles", kind: .changed, old: nil, new: "\(name) \(what)",
                        effect: Effect.newRelease.description(service: service.name), restarts: service.name))
            }
        }
    }

    private func contents(of service: ServiceSpec) -> [String: [FileVariables.Variable]] {
        Dictionary(service.fileVariables.files.map { ($0.path, $0.variables) }, uniquingKeysWith: { first, _ in first })
    }

    private mutating func add(_ old: Outline?, _ new: Outline?, _ place: Place) {
        let kind: PlanChange.Kind = old == nil ? .added : new == nil ? .removed : .changed
        var effect = place.effect.description(service: place.service)
        if place.isService, let service = place.service {
            effect = old == nil ? "starts the replicas of \(service)" : "stops the replicas of \(service)"
        }
        changes.append(
            PlanChange(
                path: place.path, kind: kind, old: old?.inline, new: new?.inline, effect: effect,
                restarts: place.effect == .newRelease && !place.isService ? place.service : nil))
    }

    /// Names of both in the order of the second, the removed ones first.
    private static func union(_ old: [String], _ new: [String]) -> [String] {
        let known = Set(new)
        return old.filter { !known.contains($0) } + new
    }

    /// Items of a list by what tells them apart: the address, the hosts, the match. Equal ones are numbered.
    private static func labelled(_ items: [Outline]) -> [Outline.Member] {
        var seen: [String: Int] = [:]
        return items.map { item in
            let label = label(of: item)
            let number = seen[label, default: 0] + 1
            seen[label] = number
            return .init(name: number == 1 ? label : "\(label) #\(number)", value: item)
        }
    }

    private static func label(of item: Outline) -> String {
        guard case .map(let members) = item, let first = members.first?.value else { return item.inline }
        switch first {
        case .map(let parts): return parts.filter { !$0.value.isEmpty }.map(\.value.plain).joined(separator: " ")
        default: return first.plain
        }
    }
}

extension Outline {
    /// On one line, a text without quotes.
    fileprivate var plain: String { if case .text(let text) = self { text } else { inline } }
}

extension [Outline.Member] {
    fileprivate subscript(name: String) -> Outline? { first { $0.name == name }?.value }
}
