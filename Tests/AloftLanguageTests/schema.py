"""Checks the schema of aloft.yaml with jsonschema: the schema itself, files that must validate, files that must not.

Reads {"schema": ..., "valid": {name: file}, "invalid": {name: file}} on standard input and prints each surprise.
Exit code 0: none; 1: some; 77: jsonschema is not installed.
"""

import json
import sys

try:
    import jsonschema
except ImportError:
    sys.exit(77)

given = json.load(sys.stdin)
validator_class = jsonschema.Draft202012Validator
surprises = []

try:
    validator_class.check_schema(given["schema"])
except jsonschema.SchemaError as error:
    surprises.append(f"the schema is not a schema: {error.message}")

validator = validator_class(given["schema"])
for name, file in given["valid"].items():
    for error in validator.iter_errors(file):
        surprises.append(f"{name} must validate: {error.json_path}: {error.message}")
for name, file in given["invalid"].items():
    if validator.is_valid(file):
        surprises.append(f"{name} must not validate")

print("\n".join(surprises))
sys.exit(1 if surprises else 0)
