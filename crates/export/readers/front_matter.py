"""Reads the YAML front matter of a Markdown file with PyYAML, and prints it as JSON.

Usage: front_matter.py FILE
"""

import json
import sys

import yaml

with open(sys.argv[1], encoding="utf-8", newline="") as file:
    first, front_matter, _ = file.read().split("---\n", 2)
assert first == "", "front matter stands at the beginning"
print(json.dumps(yaml.safe_load(front_matter), default=str))
