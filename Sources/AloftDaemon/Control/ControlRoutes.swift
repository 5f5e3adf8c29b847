import AloftLogs
import AloftModel
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle

/// The paths of the control API; docs/reference/api.md describes each.
struct ControlRoutes: Sendable {
    /// A file may be 1 MiB; one byte more is refused.
    static let bodyLimit = 1 << 20
    /// A file as JSON, whose line ends and quotes take two bytes each, with the variables that it reads.
    static let planLimit = 4 << 20
    static let eventLimit = 10_000

    let observer: Observer
    let operations: Operator
    let exec: ExecRoute
    let notifications: NotificationRoutes
    let jobs: JobRoutes
    let shipping: ShippingRoutes
    let records: Records
    /// Begins a graceful stop; the answer goes out first.
    let stop: @Sendable () -> Void

    func router() -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self)
        router.add(middleware: ControlFailures())
        let version = router.group("v1")
        version.get("status") { _, _ in try Answer.json(await observer.status()) }
        version.get("plan") { _, _ in try Answer.json(observer.plan()) }
        version.post("plan/difference") { request, _ in
            let query = RequestQuery(request)
            try query.allow(["environment"])
            let body = try await Self.text(of: request, upTo: Self.planLimit)
            let environment = query["environment"]
            guard request.headers[.contentType] == "application/json" else {
                return try Answer.json(await operations.difference(to: body, environment: environment, nil))
            }
            let plan = try Self.decode(PlanRequest.self, from: body)
            return try Answer.json(
                await operations.difference(to: Array(plan.file.utf8), environment: environment, plan.variables))
        }
        version.get("variables") { _, _ in try Answer.json(operations.variables()) }
        version.post("reload") { request, _ in
            let body = try await Self.text(of: request)
            let given = body.isEmpty ? nil : try Self.decode(ReloadRequest.self, from: body).variables
            return try Answer.json(await operations.reload(given))
        }
        version.post("services/{name}/reload") { _, context in
            try Answer.json(await operations.reload(try context.parameters.require("name")), status: .accepted)
        }
        version.post("services/{name}/restart") { request, context in
            let name = try context.parameters.require("name")
            let wait = try Self.wait(request)
            return try await settled(operations.restart(name), name, wait)
        }
        version.post("services/{name}/scale") { request, context in
            let name = try context.parameters.require("name")
            let wait = try Self.wait(request)
            let body = try Self.decode(ScaleRequest.self, from: try await Self.text(of: request))
            return try await settled(operations.scale(name, to: body.replicas), name, wait)
        }
        version.post("services/{name}/exec") { request, context in
            let name = try context.parameters.require("name")
            return try exec.answer(name, try Self.decode(ExecRequest.self, from: try await Self.text(of: request)))
        }
        shipping.add(to: version)
        notifications.add(to: version)
        jobs.add(to: version)
        version.post("stop") { _, _ in
            stop()
            return try Answer.json(Accepted(message: "stopping"), status: .accepted)
        }
        version.get("events") { request, _ in try await events(RequestQuery(request)) }
        version.get("logs") { request, _ in try logs(RequestQuery(request)) }
        return router
    }

    /// Events of the journal as JSON lines, oldest first; with `follow` those to come as well.
    private func events(_ query: RequestQuery) async throws -> Response {
        try query.allow(["since", "limit", "follow", "subject", "severity"])
        let limit = try query.number("limit", in: 0...Self.eventLimit) ?? 1000
        var severity = Event.Severity.notice
        if let text = query["severity"] {
            guard let known = Event.Severity(rawValue: text) else {
                throw ControlFailure(.badRequest, "`severity` is notice, warning or error, not `\(text)`")
            }
            severity = known
        }
        let history = EventHistory(
            since: try query.time("since"), subject: query["subject"], severity: severity, limit: limit)
        let follow = try query.flag("follow")
        return Answer.stream { writer in
            try await records.stream(history, follow: follow) { event in
                try await writer.write(try Answer.line(event))
            }
        }
    }

    /// Records of the application log as they were written, a JSON line each.
    private func logs(_ query: RequestQuery) throws -> Response {
        try query.allow(["service", "replica", "stream", "since", "tail", "follow"])
        var output: LogQuery.Output?
        if let text = query["stream"] {
            guard let known = LogQuery.Output(rawValue: text) else {
                throw ControlFailure(.badRequest, "`stream` is stdout or stderr, not `\(text)`")
            }
            output = known
        }
        let wanted = LogQuery(
            service: query["service"], replica: query["replica"], output: output, since: try query.time("since"),
            tail: try query.number("tail", in: 0...LogReader.tailLimit))
        let follow = try query.flag("follow")
        return Answer.stream { writer in
            for try await record in records.logs(wanted, follow: follow).cancelOnGracefulShutdown() {
                try await writer.write(ByteBuffer(bytes: record.line + [0x0A]))
            }
        }
    }

    // MARK: Waiting

    /// 202 at once, or 200 once every replica is as it should be; `failed` where that takes longer than `wait`.
    private func settled(_ accepted: Accepted, _ service: String, _ wait: Duration?) async throws -> Response {
        guard let wait else { return try Answer.json(accepted, status: .accepted) }
        guard await operations.compute.settled(service, within: wait) else {
            throw ControlFailure(
                .failed, "\(service) is not settled after \(wait.quantity); it goes on",
                hint: "`aloft status` says what each replica waits for")
        }
        return try Answer.json(accepted)
    }

    /// `?wait=SECONDS`, a week at most.
    private static func wait(_ request: Request) throws(ControlFailure) -> Duration? {
        let query = RequestQuery(request)
        try query.allow(["wait"])
        return try query.number("wait", in: 1...604_800).map { .seconds($0) }
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ request: Request) async throws -> Value {
        try decode(type, from: try await text(of: request))
    }

    private static func text(of request: Request, upTo limit: Int = bodyLimit) async throws -> [UInt8] {
        do {
            return Array(buffer: try await request.body.collect(upTo: limit))
        } catch is NIOTooManyBytesError {
            throw ControlFailure(.tooLarge, "a body may have \(limit) bytes")
        }
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw ControlFailure(
                .badRequest, "the body is not the JSON that this path takes", hint: "see docs/reference/api.md")
        }
    }
}

/// Answers with JSON bodies.
enum Answer {
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        var body = ByteBuffer(bytes: try encoder.encode(value))
        body.writeInteger(0x0A as UInt8)
        return Response(
            status: status, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: body))
    }

    /// One value on one line.
    static func line(_ value: some Encodable) throws -> ByteBuffer {
        var line = ByteBuffer(bytes: try encoder.encode(value))
        line.writeInteger(0x0A as UInt8)
        return line
    }

    /// JSON lines (https://jsonlines.org) for as long as `write` writes.
    static func stream(
        _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/jsonl"],
            body: ResponseBody { writer in
                var writer = writer
                try await write(&writer)
                try await writer.finish(nil)
            })
    }

    /// Keys in order, so that answers can be compared as text.
    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

/// Turns whatever a route throws into the error body that clients know.
struct ControlFailures: RouterMiddleware {
    func handle(
        _ request: Request, context: BasicRequestContext,
        next: (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let failure as ControlFailure {
            return try Answer.json(ControlFailure.Envelope(error: failure), status: failure.code.status)
        } catch let error as any HTTPResponseError {
            let failure = ControlFailure(
                error.status == .notFound ? .notFound : .badRequest,
                "\(request.method) \(request.uri.path) is not a path of this API", hint: "see docs/reference/api.md")
            return try Answer.json(ControlFailure.Envelope(error: failure), status: error.status)
        } catch {
            context.logger.error("a control request failed", metadata: ["error": "\(error)", "path": "\(request.uri)"])
            let failure = ControlFailure(.failed, "\(error)", hint: "see `logs/daemon` in the state directory")
            return try Answer.json(ControlFailure.Envelope(error: failure), status: .internalServerError)
        }
    }
}

extension ControlFailure.Code {
    var status: HTTPResponse.Status {
        switch self {
        case .badRequest: .badRequest
        case .notFound, .unknownService, .nothingThere: .notFound
        case .outOfBounds, .stopping, .busy, .refused: .conflict
        case .tooLarge: .contentTooLarge
        case .invalidFile: .unprocessableContent
        case .failed: .internalServerError
        }
    }
}
