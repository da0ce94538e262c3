"""Where a customer is: province, city and county of GB/T 2260, found in what people write.

A name counts in full (深圳市) or in short (深圳), the longest first. A short name must stand by itself or before a
place within it: 南京东路 is a street, and says nothing of 南京. A county whose name several cities have is never
guessed, nor is a place that contradicts the one before it.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from pipeline.engine import SQL_FOLDER
from pipeline.folding import fold

MUNICIPALITIES = ("11", "12", "31", "50")
SHORT_PROVINCES = {"15": "内蒙古", "45": "广西", "54": "西藏", "64": "宁夏", "65": "新疆", "81": "香港", "82": "澳门"}

_PEOPLES = "朝鲜|土家|布依|哈尼|景颇|傈僳|哈萨克|柯尔克孜|蒙古|壮|傣|白|藏|羌|回|苗|侗|彝"
_PREFECTURE = re.compile(rf"^(.+?)(?:(?:{_PEOPLES})族?)*自治州$")
_PREFECTURES = re.compile(r"^(.+?)(?:地区|盟|市)$")
_COUNTIES = re.compile(r"^(?!.*自治)(..+?)(?:新区|区|县|市|旗)$")
_BETWEEN = re.compile(r"[\s,，、.。·/|>_:：—-]+")
_STREET = re.compile(r"[东西南北中一二三四五六七八九十]*(?:路|街|大道|道|巷|弄|胡同)")


@dataclass(frozen=True)
class Place:
    """A province, a city or a county by its code: 2, 4 or 6 digits."""

    code: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names from the province down: 福建省, 泉州市, 洛江区."""
        codes = dict.fromkeys([self.code[:2], self.code[:4], self.code])
        return tuple(places()[code] for code in codes if code in places())

    @property
    def region(self) -> str:
        """省-市. A municipality is its own city, a county that belongs to no city stands in its place."""
        province, *within = self.names
        if self.code[:2] in MUNICIPALITIES:
            return f"{province}-{province}"
        return "-".join([province, *within[:1]])


@dataclass(frozen=True)
class _Named:
    """What a name may mean."""

    code: str
    is_full: bool


@dataclass(frozen=True)
class _Hit:
    """A name in a text."""

    start: int
    end: int
    meanings: Sequence[_Named]


@cache
def places() -> dict[str, str]:
    """Code -> name, of every province, city and county."""
    with (SQL_FOLDER / "reference" / "regions.csv").open(encoding="utf-8", newline="") as text:
        return {row["code"]: row["name"] for row in csv.DictReader(text)}


@cache
def canonical_regions() -> tuple[str, ...]:
    """Every 省-市 there is, and every province by itself."""
    return tuple(sorted({Place(code).region for code in places()}))


def region_of(text: str) -> str | None:
    """The region a text tells of as 省-市; None where it can't be told."""
    place = find_place(text)
    return place.region if place else None


def find_place(text: str) -> Place | None:
    """The narrowest place a text tells of with certainty: of 泉州市洛江区万安塘西工业区 the county 350504."""
    said = _BETWEEN.sub("-", fold(text).removeprefix("中国")).strip("-")
    hits = list(_hits(said))
    place, end = "", 0
    for number, hit in enumerate(hits):
        follows = bool(place) and said[end : hit.start] in ("", "-")
        meaning = _within(place, hit, said, follows) if place else _first(hits, number, said)
        if meaning:
            place, end = meaning.code, hit.end
        elif follows and any(place.startswith(named.code) for named in hit.meanings):
            end = hit.end
        elif follows and _contradicts(hit):
            return None
    return Place(place) if place else None


def _hits(said: str) -> Iterator[_Hit]:
    """The names in a text from left to right, at each place the longest."""
    start, longest = 0, _longest()
    while start < len(said):
        ends = range(min(start + longest, len(said)), start + 1, -1)
        end = next((end for end in ends if said[start:end] in _names()), None)
        if end is not None and not (said[end - 1] == "市" and said[end : end + 1] == "场"):
            yield _Hit(start, end, _names()[said[start:end]])
        start = end or start + 1


def _first(hits: Sequence[_Hit], number: int, said: str) -> _Named | None:
    """What a name means with nothing known before it."""
    hit = hits[number]
    full = [named for named in hit.meanings if named.is_full]
    wide = [named for named in full if len(named.code) < 6]
    if wide:
        return wide[0]
    opens = hit.start == 0 or not said[hit.start - 1].isalnum() or said[hit.start - 1] in "在是于"
    if full:
        return full[0] if len(full) == 1 and opens and hit.end - hit.start > 2 else None
    short = sorted((named for named in hit.meanings if len(named.code) < 6), key=lambda named: len(named.code))
    after = hits[number + 1] if number + 1 < len(hits) and said[hit.end : hits[number + 1].start] in ("", "-") else None
    for named in short:
        if after and any(_is_within(inner.code, named.code) for inner in after.meanings):
            return named
    return short[0] if short and opens and said[hit.end : hit.end + 1] in ("", "-") else None


def _within(place: str, hit: _Hit, said: str, follows: bool) -> _Named | None:
    """What a name means inside a place that is known."""
    inner = [named for named in hit.meanings if _is_within(named.code, place)]
    full = [named for named in inner if named.is_full]
    cities = [named for named in full if len(named.code) == 4]
    if cities or len(full) == 1:
        return (cities or full)[0] if follows or hit.end - hit.start > 2 else None
    if full or not follows or _STREET.match(said, hit.end):
        return None
    cities = [named for named in inner if len(named.code) == 4]
    ends = said[hit.end : hit.end + 1] in ("", "-")
    return cities[0] if cities else inner[0] if len(inner) == 1 and ends else None


def _is_within(code: str, place: str) -> bool:
    return len(code) > len(place) and code.startswith(place)


def _contradicts(hit: _Hit) -> bool:
    """Whether a name that does not lie where it should can mean but one place."""
    full = [named for named in hit.meanings if named.is_full]
    return len(full) == 1


@cache
def _longest() -> int:
    return max(map(len, _names()))


@cache
def _names() -> dict[str, list[_Named]]:
    """Every name, full or short, and what it may mean."""
    found: dict[str, list[_Named]] = defaultdict(list)
    cities = {name for code, name in places().items() if len(code) == 4}
    for code, name in places().items():
        if len(code) == 6 and name in cities:
            continue  # a city without counties stands below itself
        found[name].append(_Named(code, is_full=True))
        for short, is_full in _other_names(code, name):
            found[short].append(_Named(code, is_full=is_full))
    return dict(found)


def _other_names(code: str, name: str) -> Iterator[tuple[str, bool]]:
    if len(code) == 2:
        yield SHORT_PROVINCES.get(code, name.rstrip("省市")), False
    elif match := _PREFECTURE.match(name):
        yield f"{match[1]}州", True
        yield match[1], False
    elif match := (_PREFECTURES if len(code) == 4 else _COUNTIES).match(name):
        yield match[1], False
