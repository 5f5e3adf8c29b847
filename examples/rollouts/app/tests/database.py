"""The catalogue with a database in a file."""

import os
import tempfile
import unittest
from unittest import mock

import shop


class DatabaseTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "data", "shop.db")

    def test_a_migration_makes_the_file_and_may_run_again(self) -> None:
        with mock.patch.dict(os.environ, {"DATABASE": self.path, "MIGRATION": ""}):
            self.assertEqual(shop.main(["migrate"]), 0)
            self.assertEqual(shop.main(["migrate"]), 0)
        catalogue = shop.Catalogue(self.path)
        self.addCleanup(catalogue.close)
        self.assertEqual(catalogue.all(), sorted(shop.PRODUCTS))

    def test_products_of_one_connection_are_seen_by_another(self) -> None:
        os.mkdir(os.path.dirname(self.path))
        first, second = shop.Catalogue(self.path), shop.Catalogue(self.path)
        self.addCleanup(first.close)
        self.addCleanup(second.close)
        self.assertEqual(first.migrate(), len(shop.PRODUCTS))
        self.assertEqual(second.all(), first.all())
