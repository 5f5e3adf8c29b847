"""A mail server for the tests: aiosmtpd, with the failures that are asked for.

    smtp_sink.py FOLDER [--starttls CERT KEY | --tls CERT KEY] [--auth plain|login] [--greylist N] [--refuse TEXT]
                 [--only RECIPIENT] [--drop] [--tell] [--slow RCPT DATA]

--tell repeats a wrong password in the answer, --slow waits so many seconds before it answers.
Prints the port it listens on. Each mail it takes is a file in FOLDER: recipients in the first line, then the mail.
"""

import argparse
import asyncio
import os
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

options = argparse.Namespace()


class Sink:
    """Takes mail, or does what the options say instead."""

    def __init__(self):
        self.greylisted = options.greylist
        self.count = 0

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        with open(os.path.join(options.folder, "names"), "a") as file:
            file.write(hostname + "\n")
        return responses

    async def handle_RCPT(self, server, session, envelope, address, parameters):
        await asyncio.sleep(options.slow[0])
        if options.only and address != options.only and self.greylisted > 0:
            self.greylisted -= 1
            return "450 4.2.0 Greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        await asyncio.sleep(options.slow[1])
        if options.drop and self.count == 0:
            self.count += 1
            server.transport.abort()
            return "451 nobody hears this"
        if options.refuse:
            return options.refuse
        if not options.only and self.greylisted > 0:
            self.greylisted -= 1
            return "451 4.7.1 Greylisted, come back later"
        self.count += 1
        path = os.path.join(options.folder, f"mail-{self.count}")
        with open(path + ".part", "wb") as file:
            head = f"{' '.join(envelope.rcpt_tos)} tls={session.ssl is not None} auth={session.authenticated}\n"
            file.write(head.encode() + envelope.original_content)
        os.rename(path + ".part", path)
        return "250 2.0.0 taken"


def authenticate(server, session, envelope, mechanism, data):
    with open(os.path.join(options.folder, "logins"), "a") as file:
        file.write(mechanism + "\n")
    if data.login == b"aloft" and data.password == b"c0rrect h0rse":
        return AuthResult(success=True)
    message = None
    if options.tell:
        message = f"535 5.7.8 {data.password.decode()} is not the password of {data.login.decode()}"
    return AuthResult(success=False, handled=False, message=message)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--starttls", nargs=2)
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--auth", choices=["plain", "login"])
    parser.add_argument("--greylist", type=int, default=0)
    parser.add_argument("--refuse")
    parser.add_argument("--only")
    parser.add_argument("--drop", action="store_true")
    parser.add_argument("--tell", action="store_true")
    parser.add_argument("--slow", nargs=2, type=float, default=[0, 0])
    parser.parse_args(namespace=options)
    context = None
    if options.starttls or options.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*(options.starttls or options.tls))
    sink = Sink()
    excluded = {"plain": ["LOGIN"], "login": ["PLAIN"], None: ["LOGIN", "PLAIN"]}[options.auth]

    def session():
        return SMTP(
            sink,
            hostname="sink.example",
            tls_context=context if options.starttls else None,
            require_starttls=False,
            authenticator=authenticate if options.auth else None,
            auth_required=options.auth is not None,
            auth_require_tls=False,
            auth_exclude_mechanism=excluded,
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", 0, ssl=context if options.tls else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(1)


asyncio.run(main())
