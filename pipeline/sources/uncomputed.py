"""Cells of a workbook that hold no value though they look as if they did: errors, and formulas nobody computed.

The reader of workbooks gives both as blanks. A blank would be taken for nothing said; these say what they are.
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

CELL = re.compile(rb"<c\b([^>]*[^/>])>(.*?)</c>", re.DOTALL)
PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d+)"')
KIND = re.compile(rb'\bt="(\w+)"')
VALUE = re.compile(rb"<v>([^<]+)</v>|<is>")
FORMULA = re.compile(rb"<f\b[^>]*?(?:/>|>([^<]*)</f>)")

Cells = dict[int, dict[int, str]]
"""Row -> column -> text, both as Excel counts them, from 1."""


def uncomputed_cells(path: Path, sheet: str) -> Cells:
    """What stands in the sheet's cells that hold an error or a formula without its value; none if it is no .xlsx."""
    if not zipfile.is_zipfile(path):
        return {}
    with zipfile.ZipFile(path) as archive:
        part = _part_of(archive, sheet)
        content = archive.read(part) if part else b""
    if b't="e"' not in content and b"<f" not in content:
        return {}
    found: Cells = {}
    for row, column, text in _told(content):
        found.setdefault(row, {})[column] = text
    return found


def _told(content: bytes) -> Iterator[tuple[int, int, str]]:
    for cell in CELL.finditer(content):
        attributes, inner = cell.groups()
        place, kind, value = PLACE.search(attributes), KIND.search(attributes), VALUE.search(inner)
        if place is None:
            continue
        is_error = kind is not None and kind[1] == b"e"
        formula = FORMULA.search(inner)
        # an empty text may well be what a formula gives
        is_open = formula is not None and value is None and not (kind is not None and kind[1] == b"str")
        if is_error and value is not None and value[1]:
            yield int(place[2]), _number(place[1]), value[1].decode()
        elif is_open and formula is not None:
            text = (formula[1] or b"").decode(errors="replace")
            yield int(place[2]), _number(place[1]), f"={text} [never computed]"


def _number(letters: bytes) -> int:
    """The column's place: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The part of the package that holds the sheet."""
    names = set(archive.namelist())
    book, relations = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
    if not {book, relations} <= names:
        return None
    ids = {
        element.get("name"): value
        for element in ElementTree.fromstring(archive.read(book)).iter()
        if element.tag.endswith("}sheet")
        for name, value in element.attrib.items()
        if name.endswith("}id")
    }
    targets = {
        element.get("Id"): element.get("Target", "") for element in ElementTree.fromstring(archive.read(relations))
    }
    target = targets.get(ids.get(sheet), "")
    part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    return part if part in names else None
