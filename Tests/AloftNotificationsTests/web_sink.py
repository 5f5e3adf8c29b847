"""A web server for the tests: what it does depends on the path.

    web_sink.py FOLDER [--tls CERT KEY] [--port PORT] [--secret SECRET]

Prints the port it listens on, and appends each request to FOLDER/requests as a line of JSON, with whether its
signature is that of SECRET. A path such as /429,500,silent,ok/x does one after the other, the last one for ever.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import ssl

HUGE = b"HTTP/1.1 500 Oops\r\nContent-Length: 1000000000\r\n\r\n"
options = argparse.Namespace()
counts = {}


def is_signed(headers, body):
    """True where the signature is the secret's; None where there is none."""
    if "x-aloft-signature" not in headers:
        return None
    parts = dict(part.split("=", 1) for part in headers["x-aloft-signature"].split(","))
    digest = hmac.new(options.secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(digest, parts["v1"])


def answer(status, headers="", body=b"ok"):
    head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


async def serve(reader, writer):
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        path = lines[0].split(" ")[1]
        fields = [line.split(": ", 1) for line in lines[1:] if ": " in line]
        headers = {name.lower(): value for name, value in fields}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        record = {"path": path, "headers": headers, "body": body.decode(), "isSigned": is_signed(headers, body)}
        with open(os.path.join(options.folder, "requests"), "a") as file:
            file.write(json.dumps(record) + "\n")
        counts[path] = counts.get(path, 0) + 1
        steps = path.split("/")[1].split(",")
        await act(steps[min(counts[path], len(steps)) - 1], path, body, reader, writer)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def act(kind, path, body, reader, writer):
    if kind == "429":
        writer.write(answer("429 Too Many Requests", "Retry-After: 120\r\n", b"slow down"))
    elif kind == "500":
        writer.write(answer("500 Oops"))
    elif kind == "404":
        writer.write(answer("404 Not Found", "", b"no_service"))
    elif kind == "redirect":
        writer.write(answer("302 Found", "Location: /ok\r\n"))
    elif kind == "echo":
        writer.write(answer("400 Bad", "", path.encode() + b" " + body))
    elif kind == "echo500":
        writer.write(answer("500 Oops", "", path.encode() + b" " + body))
    elif kind == "escaped":
        writer.write(answer("403 No", "", json.dumps({"url": path}).replace("/", "\\/").encode()))
    elif kind == "silent":
        await reader.read()
    elif kind == "huge":
        writer.write(HUGE)
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            await writer.drain()
    elif kind == "drip":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)
    elif kind == "noise":
        writer.write(b"\x00\x01\x02 220 this is not a web server\r\n\r\n")
    elif kind != "close":
        writer.write(answer("200 OK"))
    if kind not in ("silent", "drip", "huge"):
        await writer.drain()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--secret", default="")
    parser.parse_args(namespace=options)
    context = None
    if options.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*options.tls)
    server = await asyncio.start_server(serve, "127.0.0.1", options.port, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(1)


asyncio.run(main())
