import AloftSystem
import CAloftReactor
import Glibc

/// A thread for a loop, with every signal blocked: signals are for the threads that expect them, and SIGPIPE, which
/// `splice`, `sendfile` and OpenSSL's `write` raise for a peer that is gone, must end nobody.
enum LoopThread {
    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void
        let ended: @Sendable () -> Void

        init(_ name: String, _ run: @escaping @Sendable () -> Void, _ ended: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
            self.ended = ended
        }
    }

    /// Runs `run` and then `ended`.
    static func start(
        name: String, run: @escaping @Sendable () -> Void, ended: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        let body = Unmanaged.passRetained(Body(name, run, ended))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                var all = sigset_t()
                sigfillset(&all)
                pthread_sigmask(SIG_SETMASK, &all, nil)
                body.run()
                body.ended()
                return nil
            }, body.toOpaque())
        guard code == 0 else {
            body.release()
            throw SystemError("start a thread for an event loop", code: code)
        }
        _ = aloft_name_thread(thread, String(name.prefix(15)))
        pthread_detach(thread)
    }
}
