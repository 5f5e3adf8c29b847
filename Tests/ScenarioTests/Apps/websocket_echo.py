"""Echoes WebSocket messages, and answers 200 to GET /health. Needs PyPI `websockets`."""

import asyncio
import http
import os
import signal

from websockets.asyncio.server import serve


async def echo(connection):
    async for message in connection:
        await connection.send(message)


def health(connection, request):
    if request.path == "/health":
        return connection.respond(http.HTTPStatus.OK, "ok\n")
    return None


async def main():
    stop = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set_result, None)
    async with serve(echo, "127.0.0.1", int(os.environ["PORT"]), process_request=health):
        print("listening", flush=True)
        await stop


asyncio.run(main())
