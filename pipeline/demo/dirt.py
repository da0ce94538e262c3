"""What is wrong with the demo's files, put in on purpose and remembered row by row.

`defects.yaml` says what; here it is done. A row has at most one defect, and no defect changes which other rules
the row breaks: the list of defects is therefore the whole truth.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.demo.rows import Rows, Texts
from pipeline.demo.story import Numbers

Action = Literal["late", "quarantined", "merged", "linked", "apart"]
ACTIONS: tuple[Action, ...] = get_args(Action)
ADDED: tuple[Action, ...] = ("merged", "linked", "apart")
"""A copy that is the same row, the same customer under another id, or somebody else who looks alike."""
Days = Mapping[str, str]
"""What {as_of}, {future}, {past}, {settled} and {long} stand for."""

FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
ZERO_WIDTH = "\u200b"

SOUNDS_ALIKE = str.maketrans(
    "伟芳娜敏静磊洋艳勇杰娟涛明超英国强燕东桐涵远怡博豪曦宇洁澄铭瑞嘉启盛恒卓晟翰景同云金泰华鼎正",
    "玮方那珉婧垒扬雁永洁涓滔铭朝瑛帼墙艳冬彤函苑仪搏毫熙雨杰程明睿佳起胜衡桌成汉璟童芸锦太桦顶政",
)


def _mistyped(name: str) -> str:
    """One character for another that sounds alike, or two letters changed over."""
    if name.isascii():
        return name[:1] + name[2] + name[1] + name[3:]
    place = next((place for place in range(len(name) - 1, 0, -1) if ord(name[place]) in SOUNDS_ALIKE), None)
    return name if place is None else name[:place] + name[place].translate(SOUNDS_ALIKE) + name[place + 1 :]


def _other_digits(text: str) -> str:
    """The same number of other digits after the third character."""
    return text[:3] + "".join(str((int(digit) * 7 + 3) % 10) if digit.isdigit() else digit for digit in text[3:])


def _traditional(text: str) -> str:
    from opencc import OpenCC

    return OpenCC("s2t").convert(text)


def _turned_round(address: str) -> str:
    """The room before the street, or the number of the house where there is no room."""
    street, _, room = address.partition(", ")
    if room:
        return f"{room}, {street}"
    road = address.rstrip("号0123456789")
    return f"{address.removeprefix(road)}, {road}"


STYLES: dict[str, Callable[[str], str]] = {
    "spaced": lambda phone: phone if "-" in phone else f"{phone[:3]} {phone[3:7]} {phone[7:]}",
    "country_code": lambda phone: phone if "-" in phone else f"+86 {phone}",
    "full_width": lambda text: text.translate(FULL_WIDTH),
    "zero_width": lambda text: text[:2] + ZERO_WIDTH + text[2:],
    "lower_case": str.lower,
    "renumbered": lambda text: f"N{text}",
    "mistyped": _mistyped,
    "traditional": _traditional,
    "without_form": lambda name: name.removesuffix("有限公司").removesuffix(", Ltd."),
    "turned_round": _turned_round,
    "other_digits": _other_digits,
    "mistyped_digit": lambda number: number[:-2] + str((int(number[-2]) + 1) % 10) + number[-1],
    "parent": lambda name: f"Arthur {name.split()[-1]}" if name.isascii() else f"{name[0]}永年",
    "thirty_years_before": lambda year: str(int(year) - 30),
    "branch": lambda name: f"{name}昆山分公司" if not name.isascii() else f"{name} Kunshan Branch",
    "branch_code": lambda code: f"{code[:8]}{(int(code[8:16]) * 7 + 11_111_111) % 10**8:08d}{code[16:]}",
    "next_door": lambda address: address + "隔壁",
    "padded": lambda text: f" {text} ",
    "slashed": lambda day: day.replace("-", "/"),
    "chinese_date": lambda day: "{}年{}月{}日".format(*day.split("-")),
    "zoned": lambda moment: moment.replace(" ", "T") + "+08:00",
    "thousands": lambda amount: f"{Decimal(amount):,.2f}",
    "yuan": lambda amount: f"-¥{amount[1:]}" if amount.startswith("-") else f"¥{amount}",
}
"""The same value as another hand would write it."""


@dataclass(frozen=True)
class Spec:
    """One line of `defects.yaml`."""

    rule: str
    share: float
    set: Mapping[str, str | list[str]] = field(default_factory=dict)
    style: Mapping[str, str] = field(default_factory=dict)
    line: Literal["extra", "cut", "nul"] | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    blank: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    before: str | None = None

    @property
    def action(self) -> Action:
        """What becomes of a row that breaks the rule."""
        if self.rule == "key_unique":
            return "merged"
        if self.rule == "other_customer":
            return "apart"
        if self.rule == "same_customer" or self.rule.endswith("_unique"):
            return "linked"
        return "late" if self.rule == "recorded_in_time" else "quarantined"

    @property
    def is_copy(self) -> bool:
        """Adds a row instead of changing one."""
        return self.action in ADDED

    def fits(self, clean: Rows, days: Days) -> Numbers:
        """Rows that can have it and break no second rule."""
        mask = np.ones(len(next(iter(clean.values()))), bool)
        for column, value in self.where.items():
            mask &= _mask(pc.equal(clean[column], value))
        for column in self.blank:
            mask &= _mask(pc.equal(clean[column], ""))
        for column in self.filled:
            mask &= _mask(pc.not_equal(clean[column], ""))
        if self.before is not None:
            mask &= _mask(pc.less(clean[self.before], days["settled"]))
        return mask


@dataclass(frozen=True)
class Defect:
    """A row that breaks a rule: where it stands, how its key is written there, what must become of it."""

    table: str
    rule: str
    line: int
    key: str
    action: Action
    twin: int | None = None
    """Line of the row it is a copy of; of two equal rows either may be kept."""


@dataclass(frozen=True)
class Delivery:
    """One table as its system sends it: cells in the order of the file, and what is wrong with them."""

    table: str
    rows: Rows
    defects: tuple[Defect, ...] = ()
    broken_lines: Mapping[int, str] = field(default_factory=dict)
    """Row -> what happened to its line."""
    first_line: int = 1

    @property
    def size(self) -> int:
        """Rows sent."""
        return len(next(iter(self.rows.values())))

    def places(self, action: Action) -> Numbers:
        """Rows with this fate."""
        return np.array([defect.line - self.first_line for defect in self.defects if defect.action == action], int)


def soil(delivery: Delivery, clean: Rows, specs: list[Spec], days: Days, rng: np.random.Generator) -> Delivery:
    """Break the rules listed, `clean` being the same rows with canonical values."""
    chosen = list(_choose(rng, clean, specs, days))
    originals = np.concatenate([np.empty(0, int), *(rows for spec, rows in chosen if spec.is_copy)])
    order, own, copies = _lay_out(rng, delivery.size, originals)
    laid_out = replace(delivery, rows={name: cells.take(pa.array(order)) for name, cells in delivery.rows.items()})
    marks: list[tuple[Spec, int, int | None]] = []
    for spec, rows in chosen:
        if spec.is_copy:
            marks += [(spec, place, own[row]) for place, row in zip(copies, rows, strict=False)]
            copies = copies[len(rows) :]
        else:
            marks += [(spec, own[row], None) for row in rows]
    return _mark(laid_out, marks, days)


def roughen(delivery: Delivery, styles: list[Mapping[str, Any]], rng: np.random.Generator) -> Delivery:
    """Write some right values differently; rows with a defect stay as they are."""
    rows = dict(delivery.rows)
    sound = np.ones(delivery.size, bool)
    sound[[defect.line - delivery.first_line for defect in delivery.defects]] = False
    for entry in styles:
        column, style = entry["column"], STYLES[entry["style"]]
        drawn = rng.random(delivery.size) < entry["share"]
        some = np.flatnonzero(sound & drawn & _mask(pc.not_equal(rows[column], "")))
        written = rows[column].take(pa.array(some)).to_pylist()
        rows[column] = overwrite(rows[column], {place: style(text) for place, text in zip(some, written, strict=True)})
        sound[some] = False
    return replace(delivery, rows=rows)


def overwrite(cells: Texts, edits: Mapping[int, str]) -> Texts:
    """The column with some cells replaced."""
    if not edits:
        return cells
    places = sorted(edits)
    mask = np.zeros(len(cells), bool)
    mask[places] = True
    return pc.replace_with_mask(cells, pa.array(mask), pa.array([edits[place] for place in places], pa.string()))


def _choose(rng: np.random.Generator, clean: Rows, specs: list[Spec], days: Days) -> Iterator[tuple[Spec, Numbers]]:
    """Rows for each spec, none twice."""
    size = len(next(iter(clean.values())))
    free = np.ones(size, bool)
    for spec in specs:
        fitting = np.flatnonzero(free & spec.fits(clean, days))
        rows = rng.choice(fitting, min(max(1, round(spec.share * size)), len(fitting)), replace=False)
        free[rows] = False
        yield spec, rows


def _lay_out(rng: np.random.Generator, size: int, originals: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Strew copies among the rows: (row at each place, place of each row, places of the copies)."""
    before = np.sort(rng.integers(0, size + 1, len(originals)))
    order = np.insert(np.arange(size), before, originals)
    is_copy = np.insert(np.zeros(size, bool), before, True)
    return order, np.flatnonzero(~is_copy), np.flatnonzero(is_copy)


def _mark(delivery: Delivery, marks: list[tuple[Spec, int, int | None]], days: Days) -> Delivery:
    edits: dict[str, dict[int, str]] = {}
    for number, (spec, place, _) in enumerate(marks):
        for column, text in _new_cells(spec, delivery.rows, place, number, days):
            edits.setdefault(column, {})[int(place)] = text
    rows = {name: overwrite(cells, edits.get(name, {})) for name, cells in delivery.rows.items()}
    keys = next(iter(rows.values()))
    defects = [
        Defect(
            table=delivery.table,
            rule=spec.rule,
            line=int(place) + delivery.first_line,
            key=keys[place].as_py(),
            action=spec.action,
            twin=None if original is None else int(original) + delivery.first_line,
        )
        for spec, place, original in marks
    ]
    broken = {int(place): spec.line for spec, place, _ in marks if spec.line}
    return replace(
        delivery, rows=rows, defects=tuple(sorted(defects, key=lambda defect: defect.line)), broken_lines=broken
    )


def _new_cells(spec: Spec, rows: Rows, place: int, number: int, days: Days) -> Iterator[tuple[str, str]]:
    for column, value in spec.set.items():
        text = value if isinstance(value, str) else value[number % len(value)]
        yield column, rows[text[1:]][place].as_py() if text.startswith("=") else text.format_map(days)
    for column, style in spec.style.items():
        yield column, STYLES[style](rows[column][place].as_py())


def _mask(flags: pa.Array) -> Numbers:
    return flags.to_numpy(zero_copy_only=False)
