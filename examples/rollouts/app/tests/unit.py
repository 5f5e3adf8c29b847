"""The parts of the shop, and its answers in this process."""

import os
import signal
import sys
import threading
import unittest
from unittest import mock

import shop
from running import free_port, get


class FaultsTests(unittest.TestCase):
    def test_exactly_so_many_of_a_hundred_go_wrong(self) -> None:
        faults = shop.Faults(errors=20, slow_ms=0)
        self.assertEqual(sum(faults.is_next_bad() for _ in range(1000)), 200)

    def test_none_goes_wrong_by_default(self) -> None:
        faults = shop.Faults(errors=0, slow_ms=0)
        self.assertFalse(any(faults.is_next_bad() for _ in range(100)))


class AnswerTests(unittest.TestCase):
    def setUp(self) -> None:
        # What the release was told beside is not what is tested here.
        with mock.patch.dict(os.environ, {"VERSION": "7", "ERRORS": "", "SLOW_MS": "", "DATABASE": ":memory:"}):
            self.server = shop.Shop(free_port())
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def tearDown(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.server.catalogue.close()

    def get(self, path: str) -> tuple[int, str]:
        return get(self.server.server_port, path)

    def test_the_page_names_the_version_and_the_products(self) -> None:
        status, page = self.get("/shop/")
        self.assertEqual(status, 200)
        self.assertIn("version 7", page)
        self.assertIn("Apron, 19.00", page)

    def test_products_are_json(self) -> None:
        self.assertEqual(self.get("/shop/products"), (200, '{"Apron": 1900, "Bread knife": 3450, "Colander": 1575}\n'))

    def test_what_is_not_there_is_404(self) -> None:
        self.assertEqual(self.get("/shop/cellar")[0], 404)

    def test_views_need_redis(self) -> None:
        with mock.patch.dict(os.environ, {"REDIS": ""}):
            self.assertEqual(self.get("/shop/views")[0], 404)
        with mock.patch.dict(os.environ, {"REDIS": f"127.0.0.1:{free_port()}"}):
            self.assertEqual(self.get("/shop/views")[0], 503)

    def test_it_is_not_ready_once_it_stops(self) -> None:
        self.assertEqual(self.get("/health/ready")[0], 200)
        self.server.stopping.set()
        self.assertEqual(self.get("/health/ready")[0], 503)
        self.assertEqual(self.get("/health/live")[0], 200)

    def test_an_error_is_500(self) -> None:
        self.server.faults.errors = 100
        self.assertEqual(self.get("/shop/"), (500, "version 7 failed\n"))


class ProcessTests(unittest.TestCase):
    def test_it_serves_until_it_is_told_to_stop(self) -> None:
        port = free_port()

        def stop() -> None:
            while True:
                try:
                    get(port, "/health/live")
                    break
                except OSError:
                    pass
            os.kill(os.getpid(), signal.SIGTERM)

        thread = threading.Thread(target=stop)
        thread.start()
        with mock.patch.dict(os.environ, {"PORT": str(port), "ERRORS": "", "SLOW_MS": "", "CRASH_AFTER": "600"}):
            self.assertEqual(shop.main([]), 0)
        thread.join()

    def test_a_migration_may_fail(self) -> None:
        with mock.patch.dict(os.environ, {"MIGRATION": "fails"}):
            self.assertEqual(shop.main(["migrate"]), 1)


if __name__ == "__main__":
    sys.exit(unittest.main())
