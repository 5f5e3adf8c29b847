"""Checks YAML files against a JSON Schema with PyPI's jsonschema: check_schema.py SCHEMA FILE...

Exits 1 where a file does not fit, 3 where the schema itself is wrong."""

import json
import sys

import jsonschema
import yaml

with open(sys.argv[1]) as file:
    schema = json.load(file)
try:
    jsonschema.Draft202012Validator.check_schema(schema)
except jsonschema.SchemaError as error:
    print(error)
    sys.exit(3)
failed = False
for path in sys.argv[2:]:
    with open(path) as file:
        for error in jsonschema.Draft202012Validator(schema).iter_errors(yaml.safe_load(file)):
            print(f"{path}: {error.json_path}: {error.message}")
            failed = True
sys.exit(1 if failed else 0)
