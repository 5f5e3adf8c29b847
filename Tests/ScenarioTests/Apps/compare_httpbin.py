"""Asks httpbin directly and through the edge, and compares answer by answer: compare_httpbin.py DIRECT_PORT EDGE_PORT

Status, header fields and bodies must be equal, except for what a proxy adds and what differs from one answer to the
next anyway. Prints each difference and the number of comparisons; exits 1 where there was a difference."""

import gzip
import http.client
import json
import re
import socket
import sys
import zlib

import brotlicffi

HOST = "bin.example"
# What says who answered, when, or how the connection goes on.
IGNORED_FIELDS = {"date", "server", "connection", "keep-alive", "x-request-id", "via"}
# Fields of a request that a proxy adds or deals with itself; httpbin shows them in its answers.
PROXYS_OWN = {"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Request-Id", "Traceparent",
              "Connection", "Expect"}
DECODERS = {"gzip": gzip.decompress, "deflate": zlib.decompress, "br": brotlicffi.decompress}


def case(method, path, body=None, fields=None, chunked=False):
    return method, path, body, fields or {}, chunked


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
BOUNDARY = "----aloft"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
UPLOAD = (f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nswift\r\n"
          f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n"
          "Content-Type: application/octet-stream\r\n\r\n").encode() + bytes(range(256)) * 64 + (
          f"\r\n--{BOUNDARY}--\r\n").encode()
LARGE = bytes(range(256)) * 4096 * 4  # 4 MiB

CASES = [
    *[case(method, f"/{method.lower()}", None if method == "GET" else b"a=1&b=2", None if method == "GET" else FORM)
      for method in ("GET", "POST", "PUT", "PATCH", "DELETE")],
    case("GET", "/get?a=1&b=two%20words&c=%C3%A9&a=2"),
    case("HEAD", "/get"), case("HEAD", "/bytes/1000?seed=1"), case("HEAD", "/status/404"),
    case("OPTIONS", "/get"), case("OPTIONS", "/post"),
    case("POST", "/post", b"", FORM), case("POST", "/post", json.dumps({"a": [1, 2, {"b": None}]}).encode(), JSON),
    case("POST", "/post", UPLOAD, MULTIPART), case("POST", "/post", "naïve ☃".encode(), {"Content-Type": "text/plain"}),
    case("POST", "/post", b"x" * 100_000, {"Content-Type": "application/octet-stream"}),
    case("POST", "/post", LARGE, {"Content-Type": "application/octet-stream"}),
    case("PUT", "/put", LARGE, {"Content-Type": "application/octet-stream"}, chunked=True),
    case("POST", "/post", b"in pieces " * 1000, {"Content-Type": "text/plain"}, chunked=True),
    case("POST", "/post", UPLOAD, MULTIPART, chunked=True),
    case("POST", "/post", b"continue?", {"Content-Type": "text/plain", "Expect": "100-continue"}),
    case("POST", "/post", b"x" * 200_000, {"Content-Type": "text/plain", "Expect": "100-continue"}),
    *[case("GET", f"/status/{status}") for status in (200, 201, 202, 204, 205, 206, 300, 301, 302, 303, 304, 305, 307,
                                                      308, 400, 401, 402, 403, 404, 405, 406, 409, 410, 418, 422, 429,
                                                      451, 500, 501, 502, 503, 504, 599)],
    *[case(method, "/status/418") for method in ("POST", "PUT", "PATCH", "DELETE")],
    *[case("GET", path) for path in (
        "/", "/html", "/xml", "/json", "/robots.txt", "/deny", "/encoding/utf8", "/gzip", "/deflate", "/brotli",
        "/image/png", "/image/jpeg", "/image/svg", "/image/webp", "/links/10/3", "/forms/post", "/ip", "/user-agent",
        "/headers", "/anything", "/anything/with/a/longer/path?and=query", "/base64/SGVsbG8=", "/uuid",
        "/bytes/0?seed=7", "/bytes/1?seed=7", "/bytes/1024?seed=7", "/bytes/102400?seed=7",
        "/stream-bytes/10000?seed=7&chunk_size=100", "/stream-bytes/100000?seed=7", "/stream/1", "/stream/20",
        "/range/1000", "/drip?numbytes=10&duration=1&delay=0", "/drip?numbytes=1000&duration=0&code=503", "/delay/1",
        "/redirect/3", "/relative-redirect/2", "/absolute-redirect/2", "/redirect-to?url=/get",
        "/redirect-to?url=https://example.com/&status_code=307", "/cookies", "/cookies/set?a=1&b=2",
        "/cookies/delete?a", "/cache/60", "/etag/abc", "/response-headers?X-One=1&X-Two=2&X-One=3",
        "/response-headers?Content-Type=text/plain;%20charset=UTF-8", "/no-such-page", "/a//b",
        "/anything/%2F%20x", "/basic-auth/user/secret", "/bearer", "/hidden-basic-auth/a/b")],
    case("GET", "/cache", None, {"If-None-Match": "x"}), case("GET", "/etag/abc", None, {"If-None-Match": "abc"}),
    case("GET", "/etag/abc", None, {"If-Match": "other"}),
    case("GET", "/range/1000", None, {"Range": "bytes=10-19"}), case("GET", "/range/100", None, {"Range": "bytes=900-"}),
    case("GET", "/basic-auth/user/secret", None, {"Authorization": "Basic dXNlcjpzZWNyZXQ="}),
    case("GET", "/bearer", None, {"Authorization": "Bearer abc"}),
    case("GET", "/cookies", None, {"Cookie": "a=1; b=2"}),
    case("GET", "/headers", None, {"X-Long": "v" * 4000, "X-Empty": "", "Accept-Language": "de, en;q=0.5"}),
    case("GET", "/image", None, {"Accept": "image/webp"}),
    case("POST", "/anything", b"{\"a\": 1}", JSON), case("DELETE", "/anything"), case("PATCH", "/anything", b"x=y", FORM),
]

# Paths that an application could take for another than the edge's routes did: the edge refuses them.
REFUSED = ["/%2e%2e/", "/anything/../get", "/anything/%2e/x", "/anything/%00x"]


class Client:
    """One kept-alive connection, opened anew when the server closed it."""

    def __init__(self, port):
        self.port = port
        self.connection = None

    def ask(self, method, path, body, fields, chunked):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            self.connection.connect()
        if fields.get("Expect"):
            return self.ask_patiently(method, path, body, fields)
        send = {"Host": HOST, "User-Agent": "compare", **fields}
        pieces = (body[at:at + 50_000] for at in range(0, len(body), 50_000)) if chunked else body
        if chunked:
            send["Transfer-Encoding"] = "chunked"
        self.connection.request(method, path, pieces, send, encode_chunked=chunked)
        response = self.connection.getresponse()
        answer = response.status, response.getheaders(), response.read()
        if response.will_close:
            self.connection.close()
            self.connection = None
        return answer

    def ask_patiently(self, method, path, body, fields):
        """Waits for `100 Continue` before the body goes out, on a connection of its own."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "User-Agent: compare", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        with socket.create_connection(("127.0.0.1", self.port), 30) as connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            first = connection.recv(len("HTTP/1.1 100 Continue\r\n\r\n"))
            if not first.startswith(b"HTTP/1.1 100"):
                return 0, [], b"no 100 Continue but " + first
            connection.sendall(body)
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
            return response.status, response.getheaders(), response.read()


def comparable(answer):
    """The answer without what may differ."""
    status, fields, body = answer
    kept = sorted((name.lower(), value) for name, value in fields if name.lower() not in IGNORED_FIELDS)
    # Two processes of httpbin list the same methods in different orders.
    kept = [(name, sorted(value.split(", ")) if name == "allow" else value) for name, value in kept]
    names = dict(kept)
    if body and names.get("content-encoding") in DECODERS:
        body = DECODERS[names["content-encoding"]](body)
    if len(body) < 200:  # /uuid
        body = re.sub(rb"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", b"another each time", body)
    if "application/json" in names.get("content-type", ""):
        # What httpbin saw of the request is part of its answer, and so is the length of that.
        kept = [(name, value) for name, value in kept if name != "content-length"]
        body = json_lines(body)
    return status, kept, body


def json_lines(body):
    """Each JSON value of a body (/stream sends several), with what a proxy adds taken out."""
    decoder, text, values = json.JSONDecoder(), body.decode().strip(), []
    while text:
        value, end = decoder.raw_decode(text)
        text = text[end:].strip()
        if isinstance(value, dict) and isinstance(value.get("headers"), dict):
            value["headers"] = {name: field for name, field in value["headers"].items() if name not in PROXYS_OWN}
        values.append(value)
    return values


def main():
    direct, edge = Client(int(sys.argv[1])), Client(int(sys.argv[2]))
    differences = 0
    for one in CASES:
        expected, actual = comparable(direct.ask(*one)), comparable(edge.ask(*one))
        if expected != actual:
            differences += 1
            print(f"{one[0]} {one[1]}{' in chunks' if one[4] else ''} differs:")
            for name, left, right in zip(("status", "fields", "body"), expected, actual):
                if left != right:
                    print(f"  {name} directly: {shortened(left)}\n  {name} by the edge: {shortened(right)}")
    for path in REFUSED:
        status, _, _ = edge.ask(*case("GET", path))
        if status != 400:
            differences += 1
            print(f"GET {path} got {status} from the edge, not 400")
    print(f"{len(CASES)} answers compared, {differences} differ")
    return 1 if differences else 0


def shortened(value):
    text = repr(value)
    return text if len(text) <= 600 else f"{text[:600]}… ({len(text)} characters)"


if __name__ == "__main__":
    sys.exit(main())
