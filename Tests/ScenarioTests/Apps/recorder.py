"""Writes down every byte it is sent, in the file `seen` of its working folder, and answers each request with 200."""

import os
import socket
import threading


def serve(connection):
    with connection, open("seen", "ab", buffering=0) as seen:
        while data := connection.recv(65536):
            seen.write(data)
            for _ in range(data.count(b"\r\n\r\n")):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")


listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=1024)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
