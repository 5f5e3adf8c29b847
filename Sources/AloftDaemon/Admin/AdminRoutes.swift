import AloftMetrics
import Hummingbird
import NIOCore

/// Metrics and health for whoever watches: read only, no more than anybody who may connect should see.
struct AdminRoutes: Sendable {
    let families: @Sendable () async -> [MetricFamily]
    let health: @Sendable () async -> HealthReport

    func router() -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: ReadOnly())
        router.get("/") { _, _ in Self.text(Self.index) }
        router.get("metrics") { request, _ in
            let accept = request.headers[values: .accept].joined(separator: ",")
            let format = MetricsFormat(accept: accept.isEmpty ? nil : accept)
            return Self.text(format.write(await families()), type: format.contentType)
        }
        router.get("health") { _, _ in
            let report = await health()
            return try Answer.json(report, status: report.state == .down ? .serviceUnavailable : .ok)
        }
        router.get("health/live") { _, _ in Self.text(Array("live\n".utf8)) }
        return router
    }

    private static let index = Array(
        """
        /metrics      OpenMetrics or Prometheus text, by Accept
        /health       the application, the machine, each service and replica; 503 where something is down
        /health/live  200 while the daemon answers

        """.utf8)

    private static func text(_ bytes: [UInt8], type: String = "text/plain; charset=utf-8") -> Response {
        Response(
            status: .ok, headers: [.contentType: type, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

/// GET and HEAD only, and errors without a body.
private struct ReadOnly: RouterMiddleware {
    func handle(
        _ request: Request, context: BasicRequestContext,
        next: (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        guard request.method == .get || request.method == .head else {
            return Response(status: .methodNotAllowed, headers: [.allow: "GET, HEAD"])
        }
        do {
            return try await next(request, context)
        } catch let error as any HTTPResponseError {
            return Response(status: error.status)
        }
    }
}
