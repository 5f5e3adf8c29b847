/// Rails and Rack apps.
enum RubyDetection {
    static func detect(_ folder: FolderListing) -> Detection? {
        guard folder.has("Gemfile") else { return nil }
        let gems = folder.text("Gemfile").lowercased()
        let hasPuma = gems.contains("puma")
        let isRails = gems.contains("rails")
        guard isRails || hasPuma || folder.has("config.ru") else { return nil }
        var reasons = ["there is a Gemfile"]
        if isRails { reasons.append("rails is among its gems") }
        let environment = ProposedService.Variable(
            name: isRails ? "RAILS_ENV" : "RACK_ENV", value: "production", why: "what the framework looks at")
        let command: [String]
        if hasPuma {
            reasons.append("puma is among its gems")
            command = ["bundle", "exec", "puma", "--bind", "tcp://127.0.0.1:${PORT}"]
        } else if isRails {
            command = ["bundle", "exec", "rails", "server", "--binding", "127.0.0.1", "--port", "${PORT}"]
        } else {
            command = ["bundle", "exec", "rackup", "--host", "127.0.0.1", "--port", "${PORT}"]
        }
        let why = "through bundler, so that the gems are those of Gemfile.lock"
        return Detection(
            kind: isRails ? "Ruby on Rails" : "Ruby, Rack", reasons: reasons,
            services: [.init(command: command, why: why, variables: [environment])],
            notes: isRails
                ? ["Rails needs SECRET_KEY_BASE in production: `SECRET_KEY_BASE: ${env.SECRET_KEY_BASE}` under env"]
                : [])
    }
}
