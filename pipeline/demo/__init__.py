"""A synthetic company with known truth: eight systems' files, a plan, and a list of everything that is wrong in them.

The same seed writes the same bytes. What happened is told in `story`, put into words in `rows`, soiled in
`dirt`, and written here the way each system would write it: `sources.yaml` is read backwards.
"""

import gzip
import io
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter
import yaml

from pipeline.demo.dirt import ACTIONS, Action, Defect, Delivery, Spec, overwrite, roughen, soil
from pipeline.demo.rows import Rows, Texts, write_rows
from pipeline.demo.story import DAY, TEAMS, Calendar, Scale, Streams, tell
from pipeline.project import PLAN_FILE, SOURCES_FILE, Feed, Project

TRUTH_FILE = "truth.json"
MONEY = {"leads": "expected_amount", "orders": "amount", "expenses": "amount", "budgets": "amount"}

SMALL = Scale("S", 2_000, 6_000, 8_000, 15_000, 3_000, media_bills=1_200, people=100, activities=60)
MEDIUM = Scale("M", 100_000, 150_000, 1_000_000, 500_000, 100_000, media_bills=30_000, people=2_500, activities=600)
SCALES = {scale.name: scale for scale in (SMALL, MEDIUM)}

WAYS_OUT: tuple[Action, ...] = ("late", "quarantined", "merged")
"""What the gate does with a row but accept it."""

BROKEN_LINES: dict[str, Callable[[str, str], str]] = {
    "extra": lambda line, delimiter: f"{line}{delimiter}转交",
    "cut": lambda line, delimiter: delimiter.join(line.split(delimiter)[:2]),
    "nul": lambda line, delimiter: f"{line}\x00",
}
"""What can happen to a whole line; the first two columns are never quoted."""


@dataclass(frozen=True)
class RowCounts:
    """delivered = accepted + late + quarantined + merged, as in the ledger; linked and apart are among the accepted."""

    delivered: int
    accepted: int
    late: int
    quarantined: int
    merged: int
    linked: int
    """The same customer as another row, under another id."""
    apart: int
    """Somebody else who looks like the customer of another row."""


@dataclass(frozen=True)
class MoneySums:
    """The same for the money column, over the amounts that can be read: those of broken lines can't."""

    column: str
    delivered: Decimal
    accepted: Decimal
    late: Decimal
    quarantined: Decimal
    merged: Decimal


@dataclass(frozen=True)
class Truth:
    """What a faultless reader of the demo's files finds."""

    scale: str
    as_of: date
    seed: int
    files: dict[str, str]
    """Table -> file below the landing folder."""
    defects: tuple[Defect, ...]
    rows: dict[str, RowCounts]
    money: dict[str, MoneySums]

    def to_json(self) -> str:
        """One defect a line, amounts as text."""
        parts = {name: value for name, value in asdict(self).items() if name != "defects"}
        head = json.dumps(parts, ensure_ascii=False, indent=2, default=str)
        lines = ",\n".join(f"    {json.dumps(asdict(defect), ensure_ascii=False)}" for defect in self.defects)
        return f'{head[:-2]},\n  "defects": [\n{lines}\n  ]\n}}\n'


def write_company(root: Path, *, scale: Scale, as_of: date = date(2026, 11, 20), seed: int = 20_261_120) -> Truth:
    """Write a project folder: sources.yaml, plan.yaml, .env, landing/ and truth.json."""
    calendar, streams = Calendar(as_of), Streams(seed)
    project = _write_project(root, scale, calendar, streams)
    feeds = {table: feed for table in project.sources.tables for feed in project.sources.feeds(table)}
    files = {table: str(feed.file).format(as_of=as_of) for table, feed in feeds.items()}
    roughness = _template_data("defects.yaml")["roughness"]
    deliveries = _deliver(feeds, scale, calendar, streams)
    for table, delivery in deliveries.items():
        rough = roughen(delivery, roughness.get(table, []), streams.of(f"rough {table}"))
        _save(project.landing / files[table], _as_sent(rough, feeds[table]))
    truth = Truth(
        scale=scale.name,
        as_of=as_of,
        seed=seed,
        files=files,
        defects=tuple(defect for delivery in deliveries.values() for defect in delivery.defects),
        rows={table: _count(delivery) for table, delivery in deliveries.items()},
        money={table: _add_up(deliveries[table], column) for table, column in MONEY.items()},
    )
    _save(root / TRUTH_FILE, truth.to_json().encode())
    return truth


def _write_project(root: Path, scale: Scale, calendar: Calendar, streams: Streams) -> Project:
    root.mkdir(parents=True, exist_ok=True)
    plan = Template(_template("plan.yaml")).substitute(_plan_values(scale, calendar))
    _save(root / SOURCES_FILE, _template("sources.yaml").encode())
    _save(root / PLAN_FILE, plan.encode())
    _save(root / ".env", f"TUOKE_HASH_KEY={streams.of('hash key').bytes(32).hex()}\n".encode())
    return Project.read(root)


def _plan_values(scale: Scale, calendar: Calendar) -> dict[str, str]:
    """The blanks of the plan: windows around the day, additive targets in proportion to the company."""
    values = {
        "campaign_starts_on": str(calendar.campaign_starts),
        "campaign_ends_on": str(calendar.last_day),
        "baseline_starts_on": str(calendar.month(-5)),
        "baseline_ends_on": str(calendar.campaign_starts - DAY),
        **{f"month_{place}": str(calendar.month(place - 3))[:7] for place in (1, 2, 3)},
    }
    output = round(5 * scale.orders / scale.leads)
    values |= {"io_ratio": f"{output}", "roi_revenue": f"{output - 1}"}
    targets = {"new_customers": scale.leads // 20, "revenue": scale.orders * 4_500, "visits": scale.interactions // 15}
    for name, target in targets.items():
        first, second = round(target * 0.30), round(target * 0.36)
        values |= {name: f"{target}", f"{name}_1": f"{first}", f"{name}_2": f"{second}"}
        values[f"{name}_3"] = f"{target - first - second}"
    each, rest = divmod(targets["new_customers"], TEAMS)
    values |= {f"new_customers_team_{team}": f"{each + (team <= rest)}" for team in range(1, TEAMS + 1)}
    return values


def _deliver(feeds: dict[str, Feed], scale: Scale, calendar: Calendar, streams: Streams) -> dict[str, Delivery]:
    """Every table as its system words it, defects included."""
    tables = write_rows(tell(scale, calendar, streams), _template_data("words.yaml"), streams)
    specs = _template_data("defects.yaml")["defects"]
    days = _days(calendar)
    deliveries: dict[str, Delivery] = {}
    for table, feed in feeds.items():
        spoken = _speak(tables[table], feed, streams.of(f"words {table}"))
        delivery = Delivery(table, spoken, first_line=_first_line(feed))
        own_specs = [Spec(**entry) for entry in specs[table]]
        deliveries[table] = soil(delivery, tables[table], own_specs, days, streams.of(f"dirt {table}"))
    return deliveries


def _days(calendar: Calendar) -> dict[str, str]:
    """What the placeholders of `defects.yaml` stand for."""
    return {
        "as_of": str(calendar.as_of),
        "future": str(calendar.as_of + timedelta(days=25)),
        "past": str(calendar.as_of - timedelta(days=3_650)),
        "settled": str(calendar.as_of - timedelta(days=30)),
        "long": "长" * 240,
    }


def _speak(rows: Rows, feed: Feed, rng: np.random.Generator) -> Rows:
    """Canonical values in the words of the source, the first word oftenest; constants are not in the file."""
    spoken = {name: cells for name, cells in rows.items() if name not in feed.constants}
    for column, meanings in feed.values.items():
        cells = spoken[column].dictionary_encode()
        values = cells.dictionary.to_pylist()
        words = [[word for word, meaning in meanings.items() if meaning == value] or [value] for value in values]
        count = np.array([len(choice) for choice in words])
        code = cells.indices.to_numpy()
        first = np.cumsum(count) - count
        choice = (rng.random(len(code)) ** 1.6 * count[code]).astype(int)
        spoken[column] = pa.array([word for choice in words for word in choice]).take(pa.array(first[code] + choice))
    return spoken


def _count(delivery: Delivery) -> RowCounts:
    marked = {action: len(delivery.places(action)) for action in ACTIONS}
    return RowCounts(delivered=delivery.size, accepted=delivery.size - sum(marked[way] for way in WAYS_OUT), **marked)


def _add_up(delivery: Delivery, column: str) -> MoneySums:
    cells = overwrite(delivery.rows[column], dict.fromkeys(delivery.broken_lines, ""))
    readable = pc.match_substring_regex(cells, r"^-?[0-9]+[.][0-9]{2}$")
    fen = pc.replace_substring(pc.if_else(readable, cells, "0"), ".", "").cast(pa.int64()).to_numpy()
    marked = {action: _yuan(fen[delivery.places(action)]) for action in WAYS_OUT}
    delivered = _yuan(fen)
    accepted = delivered - sum(marked.values(), Decimal(0))
    return MoneySums(column=column, delivered=delivered, accepted=accepted, **marked)


def _yuan(fen: np.ndarray) -> Decimal:
    return Decimal(int(fen.sum())).scaleb(-2)


def _first_line(feed: Feed) -> int:
    """Line, or row of the sheet, of the first record."""
    return 1 if _suffix(feed) == ".jsonl" else feed.header_row + 1


def _suffix(feed: Feed) -> str:
    return Path(str(feed.file).removesuffix(".gz")).suffix


def _as_sent(delivery: Delivery, feed: Feed) -> bytes:
    """The file's bytes; archives carry no time of writing."""
    body = {".csv": _csv, ".jsonl": _json_lines, ".xlsx": _workbook}[_suffix(feed)](delivery, feed)
    return gzip.compress(body, compresslevel=6, mtime=0) if str(feed.file).endswith(".gz") else body


def _csv(delivery: Delivery, feed: Feed) -> bytes:
    named = {feed.columns.get(name, name): cells for name, cells in delivery.rows.items()}
    header = feed.delimiter.join(named)
    fields = [_quoted(cells, feed.delimiter) for cells in named.values()]
    lines = pc.binary_join_element_wise(*fields, feed.delimiter)
    damaged = {
        place: BROKEN_LINES[kind](lines[place].as_py(), feed.delimiter) for place, kind in delivery.broken_lines.items()
    }
    return "\n".join([header, *overwrite(lines, damaged).to_pylist(), ""]).encode(feed.encoding)


def _quoted(cells: Texts, delimiter: str) -> Texts:
    """Quotes only where the value needs them."""
    needed = pc.match_substring_regex(cells, f'["\n{re.escape(delimiter)}]')
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(cells, '"', '""'), '"', "")
    return pc.if_else(needed, quoted, cells)


def _json_lines(delivery: Delivery, feed: Feed) -> bytes:
    names = [feed.columns.get(name, name) for name in delivery.rows]
    columns = [_json_values(name, cells) for name, cells in delivery.rows.items()]
    records = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
    return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records).encode(feed.encoding)


def _json_values(column: str, cells: Texts) -> list[Any]:
    """Scores and counts are numbers where they can be, nothing is null."""
    texts: list[str] = cells.to_pylist()
    if not column.startswith(("score", "scale", "impressions", "reach", "clicks", "visits")):
        return [text or None for text in texts]
    return [int(text) if re.fullmatch(r"-?[0-9]+", text) else text or None for text in texts]


def _workbook(delivery: Delivery, feed: Feed) -> bytes:
    """A sheet with a title above its header, dates and amounts as Excel keeps them."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": datetime(2026, 1, 1)})
    sheet = book.add_worksheet(feed.sheet)
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_string(0, 0, feed.sheet or "")
    for number, (name, cells) in enumerate(delivery.rows.items()):
        sheet.write_string(feed.header_row - 1, number, feed.columns.get(name, name))
        for row, text in enumerate(cells.to_pylist(), start=feed.header_row):
            if text and name.endswith("_on"):
                sheet.write_datetime(row, number, datetime.fromisoformat(text), day)
            elif text and name.endswith("_amount"):
                sheet.write_number(row, number, float(text))
            else:
                sheet.write_string(row, number, text)
    book.close()
    return buffer.getvalue()


def _template(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _template_data(name: str) -> Any:
    return yaml.safe_load(_template(name))


def _save(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
