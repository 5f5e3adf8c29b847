"""Stands for a migration, with the rights of the database's owner."""

import os

print(f"migrated as {os.environ['DATABASE_USER']}", flush=True)
