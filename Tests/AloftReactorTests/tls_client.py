"""A TLS client for the reactor's tests: prints what was agreed and what came back, as one line of JSON a connection.

    tls_client.py PORT [--name N] [--alpn a,b] [--version 1.2|1.3] [--certificate FILE --key FILE] [--send BYTES]
                       [--again N] [--pieces BYTES] [--pause] [--expect FILE] [--hold N]

With --expect it sends, then reads to the end and compares with the file. With --hold it opens N connections and keeps them
until its standard input ends.
"""

import argparse
import hashlib
import json
import socket
import ssl
import sys

options = argparse.ArgumentParser()
options.add_argument("port", type=int)
options.add_argument("--name")
options.add_argument("--alpn")
options.add_argument("--version")
options.add_argument("--certificate")
options.add_argument("--key")
options.add_argument("--send", type=int, default=10)
options.add_argument("--again", type=int, default=0)
options.add_argument("--pieces", type=int, default=1 << 16)
options.add_argument("--pause", action="store_true")
options.add_argument("--expect")
options.add_argument("--hold", type=int, default=0)
options = options.parse_args()

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
if options.alpn:
    context.set_alpn_protocols(options.alpn.split(","))
if options.version:
    wanted = ssl.TLSVersion.TLSv1_2 if options.version == "1.2" else ssl.TLSVersion.TLSv1_3
    context.minimum_version = context.maximum_version = wanted
if options.certificate:
    context.load_cert_chain(options.certificate, options.key)
sent = bytes((i * 7 + (i >> 8)) & 255 for i in range(options.send))


def play(session):
    """One connection: sends, reads the same number of bytes, ends its half by closing."""
    plain = socket.create_connection(("127.0.0.1", options.port), timeout=20)
    if options.pause:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
    with context.wrap_socket(plain, server_hostname=options.name, session=session) as tls:
        got = bytearray()
        place = 0
        tls.settimeout(20)
        if options.expect:
            tls.send(sent)
        while not options.expect and len(got) < len(sent):
            if place < len(sent):
                place += tls.send(sent[place : place + options.pieces])
            if place == len(sent) or place - len(got) > 400_000:
                piece = tls.recv(1 << 16)
                if not piece:
                    break
                got += piece
        expected = sent
        if options.expect:
            expected = open(options.expect, "rb").read()
            while piece := tls.recv(1 << 16):
                got += piece
        certificate = tls.getpeercert(binary_form=True)
        print(
            json.dumps(
                {
                    "version": tls.version(),
                    "alpn": tls.selected_alpn_protocol() or "",
                    "certificate": hashlib.sha256(certificate).hexdigest(),
                    "same": bytes(got) == expected,
                    "count": len(got),
                    "resumed": bool(tls.session_reused),
                }
            )
        )
        sys.stdout.flush()
        return tls.session


if options.hold:
    held = [context.wrap_socket(socket.create_connection(("127.0.0.1", options.port))) for _ in range(options.hold)]
    for tls in held:
        tls.send(b"x")
        tls.recv(1)
    print(json.dumps({"count": len(held)}), flush=True)
    sys.stdin.read()
    sys.exit()

session = None
for _ in range(options.again + 1):
    try:
        session = play(session)
    except (ssl.SSLError, OSError) as error:
        print(json.dumps({"error": str(error)}))
    sys.stdout.flush()
    if options.again:
        sys.stdin.readline()
