"""Counting views in a Redis of its own, which keeps nothing."""

import unittest

import shop
from running import free_port, get, running, running_shop


class RedisTests(unittest.TestCase):
    def setUp(self) -> None:
        port = free_port()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.enterContext(running(command, port))
        self.address = f"127.0.0.1:{port}"

    def test_each_view_is_one_more(self) -> None:
        views = shop.Views(self.address)
        self.addCleanup(views.close)
        self.assertEqual([views.add("a"), views.add("a"), views.add("b")], [1, 2, 1])

    def test_the_shop_says_how_many_there_were(self) -> None:
        with running_shop(REDIS=self.address, ERRORS="", SLOW_MS="") as port:
            self.assertEqual(get(port, "/shop/views"), (200, "1\n"))
            self.assertEqual(get(port, "/shop/views"), (200, "2\n"))
