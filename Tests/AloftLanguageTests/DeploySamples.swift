/// What sections of deploys, containers and notifications need beside one of their keys.
enum DeploySamples {
    static func service(_ path: String) -> [(String, String)] {
        let isContainer = ["pull", "containerPort", "registry", "volumes"].contains {
            path.hasPrefix("services.*.\($0)")
        }
        return isContainer ? [("image", "ghcr.io/x/web:1")] : [("command", "[./web]")]
    }

    static func companions(_ section: String, without name: String, _ path: String) -> [(String, String)] {
        let deploy = "services.*.deploy."
        switch section {
        case "release": return [("command", "[./other]")]
        case "user": return [("name", "other")]
        case "volume": return [("path", "/x"), ("from", "./x")]
        case "reload": return [("signal", "USR1")]
        case "httpGet": return [("path", "/other")]
        case "gate": return [("name", "other"), ("run", "[other]")]
        case "deploy" where path.hasPrefix("\(deploy)blueGreen"): return [("strategy", "blueGreen")]
        case "deploy" where path.hasPrefix("\(deploy)steps") || path.hasPrefix("\(deploy)canary"):
            return [("strategy", "canary"), ("steps", "[{weight: 1%, for: 1m}]")]
        case "deploy" where name == "watch": return [("analysis", "{maxErrorRate: 2%}")]
        case "analysis": return [("maxErrorRate", "3%")]
        case "step" where name == "approve": return [("weight", "3%, for: 9m")]
        case "step": return [("weight", "3%"), ("for", "9m")]
        case "requires": return [("approvals", "[other]")]
        case "envFile": return [("path", "./other")]
        case "job":
            return [("service", "web"), ("command", "[./other]")] + (name == "cron" ? [] : [("cron", "\"5 * * * *\"")])
        case "notifications":
            let known = [("channels", "{ops: {slack: \"https://x.example\"}, other: {pagerduty: k}}")]
            return name == "fallback" ? known + [("critical", "{to: [other]}")] : name == "channels" ? [] : known
        case "routing": return [("to", "[other]")]
        case "sticky": return name == "address" ? [("cookie", "other")] : [("address", "true")]
        case "force": return name == "header" ? [("cookie", "other")] : [("header", "other")]
        case "registry": return [("username", "u"), ("password", "p")]
        case "channel": return name == "slack" ? [("pagerduty", "k")] : [("slack", "\"https://x.example\"")]
        case "email": return [("to", "[a@b.example]"), ("smtp", "\"smtp://localhost\"")]
        case "pagerduty": return [("key", "k")]
        case "webhook": return [("url", "\"https://x.example\"")]
        default: return []
        }
    }
}
