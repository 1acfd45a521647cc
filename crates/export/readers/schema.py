"""Checks a JSON file against a schema (draft 2020-12), and prints the errors and what was read as JSON.

Usage: schema.py SCHEMA FILE
"""

import json
import sys

import jsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
with open(sys.argv[2], encoding="utf-8") as file:
    document = json.load(file)
validator = jsonschema.Draft202012Validator
validator.check_schema(schema)
checker = validator(schema, format_checker=validator.FORMAT_CHECKER)
errors = [f"{error.json_path}: {error.message[:200]}" for error in checker.iter_errors(document)]
print(json.dumps({"errors": errors, "file": document}))
