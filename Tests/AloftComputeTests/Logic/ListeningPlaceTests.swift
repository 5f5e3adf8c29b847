import AloftModel
import AloftSystem
import Testing

@testable import AloftCompute

@Suite("Where a program listens instead")
struct ListeningPlaceTests {
    private func words(_ found: [ListeningSocket], _ address: ReplicaAddress = .port(20_001)) -> String? {
        ListeningPlace.words(expecting: address, found: found)
    }

    @Test("nothing is said of one that listens where it should")
    func right() {
        for host in ["127.0.0.1", "0.0.0.0"] {
            #expect(words([.tcp(host: host, port: 20_001), .tcp(host: "::1", port: 9)]) == nil)
        }
        #expect(words([.unix(path: "/s")], .unix("/s")) == nil)
    }

    @Test("the right port on an address that the edge does not use")
    func host() {
        #expect(
            words([.tcp(host: "::1", port: 20_001)])
                == "it listens on [::1]:20001 only: let it listen on 127.0.0.1")
        #expect(
            words([.tcp(host: "::", port: 20_001)])
                == "it listens on [::]:20001 for IPv6 alone: let it listen on 127.0.0.1")
    }

    @Test("another port, a Unix socket, or nothing yet")
    func port() {
        #expect(
            words([.tcp(host: "0.0.0.0", port: 3000), .tcp(host: "127.0.0.1", port: 9229)])
                == "it listens on 0.0.0.0:3000, 127.0.0.1:9229 and ignores $PORT (20001): start it with that, such as "
                + "`--port ${PORT}` in `command`")
        #expect(words([.unix(path: "/run/app.sock")])?.contains("Unix socket /run/app.sock and ignores $PORT") == true)
        #expect(words([]) == "it does not listen on any port yet")
        let many = (1...5).map { ListeningSocket.tcp(host: "::1", port: $0) }
        #expect(words(many)?.hasPrefix("it listens on [::1]:1, [::1]:2, [::1]:3 and 2 more and ignores") == true)
    }

    @Test("a program that was given a Unix socket and listens on a port")
    func socket() {
        #expect(
            words([.tcp(host: "0.0.0.0", port: 3000)], .unix("/run/s"))
                == "it listens on 0.0.0.0:3000 and ignores $SOCKET (/run/s): start it with that, or use `listen: port`")
        #expect(words([], .unix("/run/s")) == "it has not opened its socket $SOCKET yet")
    }

    @Test("in a container, where 127.0.0.1 is the container's own and the port is the file's")
    func container() {
        func words(_ host: String, _ port: Int, given: Int? = nil) -> String? {
            ListeningPlace.words(
                expecting: .port(given ?? 20_001), found: [.tcp(host: host, port: port)],
                container: ContainerSpec(source: .image("x"), port: given))
        }
        #expect(words("127.0.0.1", 8080, given: 8080) == "it listens on 127.0.0.1:8080 only: let it listen on 0.0.0.0")
        #expect(
            words("0.0.0.0", 3000, given: 8080)
                == "it listens on 0.0.0.0:3000, not on `containerPort: 8080`: write `containerPort: 3000`")
        #expect(
            words("0.0.0.0", 3000)
                == "it listens on 0.0.0.0:3000 and ignores $PORT (20001): write `containerPort: 3000`")
        #expect(words("::", 8080, given: 8080) == nil)
    }
}
