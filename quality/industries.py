"""What a company does: the section of GB/T 4754-2017, found by name, code or what people call it."""

import csv
import re
from functools import cache
from pathlib import Path

from pipeline.engine import SQL_FOLDER
from pipeline.folding import fold

FOLDER = SQL_FOLDER / "reference"
_MARKS = re.compile(r"[\s、,，;；/和及与&.·]+")
_CODED = re.compile(r"^([a-t])?(\d{2,4})?[\s.、:：_-]*(.*)$")


def industry_of(text: str) -> str | None:
    """The section a text tells of, as `I 信息传输、软件和信息技术服务业`; None where it can't be told.

    Any level of the standard will do, by its name or its code, and the names of `industry_aliases.csv`.
    """
    said = fold(text)
    section = _by_name().get(_key(said)) or _by_code(said)
    return f"{section} {sections()[section]}" if section else None


@cache
def sections() -> dict[str, str]:
    """Letter -> name of the twenty sections."""
    return {code: name for code, name in _rows(FOLDER / "industries.csv") if len(code) == 1}


@cache
def canonical_industries() -> tuple[str, ...]:
    """Every section, as industry_of() writes it."""
    return tuple(f"{letter} {name}" for letter, name in sections().items())


def _by_code(said: str) -> str | None:
    """The section of a code; what stands behind it must not tell of another."""
    letter, digits, rest = _CODED.match(said).groups()
    if letter is None and digits is None:
        return None
    section = _divisions().get(digits[:2]) if digits else letter.upper()
    if letter and section != letter.upper():
        return None
    return section if not rest or _by_name().get(_key(rest)) == section else None


@cache
def _divisions() -> dict[str, str]:
    return {code[1:]: code[0] for code, _ in _rows(FOLDER / "industries.csv") if len(code) == 3}


@cache
def _by_name() -> dict[str, str]:
    """Folded name -> section; a name that stands in two sections is in neither, an alias is one of ours."""
    found: dict[str, set[str]] = {}
    for code, name in _rows(FOLDER / "industries.csv"):
        for key in {_key(fold(name)), _key(fold(name)).removesuffix("业")}:
            found.setdefault(key, set()).add(code[0])
    names = {key: next(iter(letters)) for key, letters in found.items() if len(letters) == 1}
    return names | {_key(fold(alias)): letter for letter, alias in _rows(FOLDER / "industry_aliases.csv")}


def _key(folded: str) -> str:
    return _MARKS.sub("", folded)


def _rows(file: Path) -> list[tuple[str, str]]:
    """The rows of a file of two columns, without its header."""
    with file.open(encoding="utf-8", newline="") as text:
        _, *rows = csv.reader(text)
    return [(first, second) for first, second in rows]
