"""Answers a chunked request only once all of its body is there; throws the body away."""

from web import Handler, serve


class Swallowing(Handler):
    def do_POST(self):
        while size := int(self.rfile.readline(1024), 16):
            self.rfile.read(size + 2)
        self.rfile.readline(1024)
        self.answer(200, b"swallowed\n")


serve(Swallowing)
