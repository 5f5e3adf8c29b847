"""Has children: three in its process group, and one that left the group and the session and lost its parent."""

import os
import time

from web import Handler, serve

MANY_SECONDS = 3600


def child(leaves_session):
    if os.fork():
        return
    if leaves_session:
        os.setsid()
        if os.fork():
            os._exit(0)
    time.sleep(MANY_SECONDS)
    os._exit(0)


for number in range(4):
    child(leaves_session=number == 3)
serve(Handler)
