"""Writes regions.csv and industries.csv out of the standards' own lists: `python compact.py FOLDER`.

The folder holds `division/provinces.csv`, `cities.csv` and `areas.csv` (National Bureau of Statistics, 2023) and
`gb4754/gbt4754_2017.csv`. A code tells its parent: 440305 is in 4403, that in 44; I6510 is in section I.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

# the bureau leaves them out; codes of GB/T 2260
OUTSIDE = [("71", "台湾省"), ("81", "香港特别行政区"), ("82", "澳门特别行政区")]
# headings under which counties stand that belong to no city
HEADINGS = ("市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划")


def regions(folder: Path) -> Iterator[tuple[str, str]]:
    """Code and name of every province, city and county, by code."""
    found = [
        (row["code"], row["name"]) for name in ("provinces", "cities", "areas") for row in rows(folder / f"{name}.csv")
    ]
    yield from sorted([pair for pair in found if pair[1] not in HEADINGS] + OUTSIDE)


def industries(file: Path) -> Iterator[tuple[str, str]]:
    """Code and name of every section, division, group and class, by code."""
    yield from sorted((row["code"], row["name"].strip()) for row in rows(file))


def rows(file: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        yield from csv.DictReader(text)


def write(name: str, pairs: Iterator[tuple[str, str]]) -> None:
    """Write code and name of each pair."""
    with (Path(__file__).parent / name).open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["code", "name"])
        writer.writerows(pairs)


if __name__ == "__main__":
    source = Path(sys.argv[1])
    write("regions.csv", regions(source / "division"))
    write("industries.csv", industries(source / "gb4754" / "gbt4754_2017.csv"))
