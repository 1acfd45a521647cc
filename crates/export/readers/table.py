"""Reads a CSV file with Python's strict reader, and counts the formulas of a workbook made of it, as a spreadsheet would
make it. Prints the header, the rows and the number of formulas as JSON.

Usage: table.py FILE
"""

import csv
import json
import re
import sys
import tempfile

import openpyxl

# XML cannot hold these characters.
UNUSABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

csv.field_size_limit(10_000_000)
with open(sys.argv[1], "rb") as file:
    assert file.read(3) == b"\xef\xbb\xbf", "no byte order mark"
with open(sys.argv[1], encoding="utf-8-sig", newline="") as file:
    header, *rows = list(csv.reader(file, strict=True))
for row in rows:
    assert len(row) == len(header), row

workbook = openpyxl.Workbook()
sheet = workbook.active
for row in rows:
    # A cell holds at most 32 767 characters.
    sheet.append([UNUSABLE.sub("", value)[:30_000] for value in row])
with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
    workbook.save(file.name)
    cells = [cell for row in openpyxl.load_workbook(file.name).active.iter_rows() for cell in row]
formulas = sum(cell.data_type == "f" for cell in cells)
print(json.dumps({"header": header, "rows": rows, "formulas": formulas}))
