"""What a visitor does, through the port of a process that runs as the release would."""

import json
import os
import unittest

from running import get, running_shop


class VisitTests(unittest.TestCase):
    def test_a_visitor_finds_the_products_again_and_again(self) -> None:
        with running_shop() as port:
            self.assertEqual(get(port, "/health/ready")[0], 200)
            for visit in range(20):
                status, page = get(port, "/shop/")
                self.assertEqual(status, 200, f"visit {visit}: {page}")
                self.assertIn(f"version {os.environ.get('VERSION', '1')}", page)
                status, products = get(port, "/shop/products")
                self.assertEqual(status, 200, f"visit {visit}: {products}")
                for name in json.loads(products):
                    self.assertIn(name, page)
