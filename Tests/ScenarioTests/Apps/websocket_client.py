"""Exchanges numbered messages with an echo server and checks each: websocket_client.py URL COUNT PROGRESS_FILE

Text and binary by turns, from 1 byte to 100 KiB; how many came back is in the progress file."""

import asyncio
import sys

from websockets.asyncio.client import connect


def message(number):
    size = 1 if number % 7 == 0 else (100 * 1024 if number % 500 == 0 else number % 2000 + 1)
    text = f"{number}:".ljust(size, "x")
    return text if number % 2 else text.encode()


async def main(url, count, progress):
    async with connect(url, max_size=1 << 20) as socket:
        for number in range(count):
            await socket.send(message(number))
            answer = await asyncio.wait_for(socket.recv(), 20)
            if answer != message(number):
                sys.exit(f"message {number} came back as {answer[:80]!r}")
            if number % 100 == 0:
                with open(progress, "w") as file:
                    file.write(str(number))
    print(f"{count} messages exchanged")


asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
