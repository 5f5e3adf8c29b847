"""A web server for the tests: what it does depends on the path.

    web_sink.py FOLDER [CERT KEY]

Prints the port it listens on, and appends each request to FOLDER/requests as a line of JSON.
"""

import asyncio
import json
import os
import ssl
import sys

HUGE = b"HTTP/1.1 500 Oops\r\nContent-Length: 1000000000\r\n\r\n"
count = 0


def answer(status, headers="", body=b"ok"):
    head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


async def serve(reader, writer):
    global count
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        path = lines[0].split(" ")[1]
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        original = dict((line.split(": ", 1)[0].lower(), line.split(": ", 1)[1]) for line in lines[1:] if ": " in line)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        with open(os.path.join(sys.argv[1], "requests"), "a") as file:
            file.write(json.dumps({"path": path, "headers": original, "body": body.decode()}) + "\n")
        count += 1
        await act(path, body, reader, writer)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def act(path, body, reader, writer):
    kind = path.split("/")[1]
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
    elif kind == "flaky" and count <= 2:
        writer.write(answer("503 Not Now"))
    elif kind != "close":
        writer.write(answer("200 OK"))
    if kind not in ("silent", "drip", "huge"):
        await writer.drain()


async def main():
    context = None
    if len(sys.argv) > 2:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*sys.argv[2:4])
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(1)


asyncio.run(main())
