"""The demo's truth, held against its files by a reader and a judge written for this purpose alone."""

import csv
import gzip
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from python_calamine import CalamineWorkbook

from pipeline.demo import SMALL, Scale, Truth, write_company
from pipeline.demo.dirt import ACTIONS, ADDED, Defect
from pipeline.plan import Target
from pipeline.project import Feed, Project

DAY = date(2026, 11, 20)
ZONE = ZoneInfo("Asia/Shanghai")
TINY = Scale("XS", 400, 1_200, 1_600, 2_000, 1_500, media_bills=200, people=100, activities=60)
CONTRACTS = {
    path.name.split(".")[0]: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[2] / "quality" / "contracts").glob("*.odcs.yaml"))
}
TABLES = sorted(set(CONTRACTS) - {"rates"})
SCORED = {
    "new_customers", "revenue", "lead_conversion_rate", "valid_lead_conversion_rate", "cac", "cpl", "roi_revenue",
    "io_ratio", "arpu", "aov", "high_value_share", "csat_mean", "csat_topbox_rate", "nps", "first_touch_hours",
    "sales_cycle_days", "visits", "collaboration_score",
}  # fmt: skip


@dataclass(frozen=True)
class Company:
    """The demo as written once for all tests of this module."""

    root: Path
    truth: Truth
    project: Project
    rows: dict[str, dict[int, "Row"]]
    broken: dict[str, dict[int, list[str]]]
    """Table -> line -> the rules its row breaks, by the judge below."""


@dataclass(frozen=True)
class Row:
    """A row as read: canonical column -> text, or why it can't be read."""

    cells: dict[str, str]
    refused: str | None = None


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    root = tmp_path_factory.mktemp("demo")
    truth = write_company(root, scale=SMALL)
    project = Project.read(root)
    rows = {table: dict(read(project, truth, table)) for table in TABLES}
    judged = {table: {line: broken(table, row) for line, row in rows[table].items()} for table in TABLES}
    return Company(root, truth, project, rows, judged)


# --- the files ---


def test_two_writes_are_equal_byte_by_byte(tmp_path: Path):
    write_company(tmp_path / "one", scale=TINY)
    write_company(tmp_path / "two", scale=TINY)
    first, second = bytes_of(tmp_path / "one"), bytes_of(tmp_path / "two")
    assert {path.suffix for path in first} >= {".csv", ".gz", ".xlsx", ".jsonl", ".yaml", ".json"}
    assert first == second


def test_another_seed_writes_other_people(tmp_path: Path):
    write_company(tmp_path / "one", scale=TINY, seed=1)
    write_company(tmp_path / "two", scale=TINY, seed=2)
    first, second = bytes_of(tmp_path / "one"), bytes_of(tmp_path / "two")
    assert first.keys() == second.keys()
    same = {path.name for path in first if first[path] == second[path]}
    assert same == {"sources.yaml", "plan.yaml"}


@pytest.mark.parametrize("day", [date(2028, 2, 29), date(2027, 1, 1), date(2026, 12, 31)], ids=str)
def test_the_company_can_stand_at_any_day(tmp_path: Path, day: date):
    truth = write_company(tmp_path, scale=TINY, as_of=day)
    plan = Project.read(tmp_path).plan
    assert plan.baseline.end == plan.campaign.starts_on
    assert plan.campaign.starts_on < day <= plan.campaign.ends_on
    assert all((tmp_path / "landing" / file).is_file() for file in truth.files.values())


def test_the_project_can_be_read(company: Company):
    assert len(company.project.hash_key) == 64
    assert company.project.sources.systems == {
        "ad_platform": ["exposures"],
        "crm": ["customers", "interactions", "leads"],
        "finance": ["budgets", "expenses", "orders"],
        "hr": ["staff"],
        "market_studies": ["benchmarks"],
        "marketing": ["campaigns"],
        "projects": ["tasks"],
        "survey": ["answers"],
    }


def test_every_column_of_every_contract_is_delivered(company: Company):
    for table in TABLES:
        [feed] = company.project.sources.feeds(table)
        delivered = set(next(iter(company.rows[table].values())).cells)
        assert delivered == {entry["name"] for entry in properties(table)}, feed.file


# --- the plan ---


def test_the_plan_aims_at_every_indicator_of_the_scorecard(company: Company):
    plan = company.project.plan
    aimed = {kpi for kpi, target in plan.targets.items() if isinstance(target, Target)}
    assert aimed == SCORED
    assert {kpi for kpi, target in plan.targets.items() if target == "no target"}


@pytest.mark.parametrize("kpi", ["cac", "cpl", "first_touch_hours", "sales_cycle_days"])
def test_where_less_is_better_the_worst_bearable_value_is_stated(company: Company, kpi: str):
    target = company.project.plan.target(kpi)
    assert target is not None and target.floor is not None and target.floor > target.value


@pytest.mark.parametrize("kpi", ["new_customers", "revenue", "visits"])
def test_what_adds_up_is_split_over_the_three_months(company: Company, kpi: str):
    target = company.project.plan.target(kpi)
    assert target is not None and list(target.milestones) == ["2026-09", "2026-10", "2026-11"]


def test_the_channels_keep_the_weights_the_company_wrote(company: Company):
    weights = {channel.id: channel.weight for channel in company.project.plan.channels}
    assert sum(weight or 0 for weight in weights.values()) == pytest.approx(1.05)
    assert [channel for channel, weight in weights.items() if weight is None] == ["expo", "referral"]


# --- the truth ---


def test_the_truth_file_says_what_was_returned(company: Company):
    written = json.loads((company.root / "truth.json").read_text(encoding="utf-8"))
    assert [Defect(**defect) for defect in written["defects"]] == list(company.truth.defects)
    assert written["rows"]["orders"]["delivered"] == company.truth.rows["orders"].delivered
    assert Decimal(written["money"]["orders"]["delivered"]) == company.truth.money["orders"].delivered


@pytest.mark.parametrize("table", TABLES)
def test_rows_add_up(company: Company, table: str):
    counts = company.truth.rows[table]
    marked = Counter(defect.action for defect in company.truth.defects if defect.table == table)
    assert counts.delivered == len(company.rows[table])
    assert {action: getattr(counts, action) for action in ACTIONS} == {action: marked[action] for action in ACTIONS}
    assert counts.delivered == counts.accepted + counts.late + counts.quarantined + counts.merged


@pytest.mark.parametrize("table", ["leads", "orders", "expenses", "budgets"])
def test_money_adds_up_to_what_the_file_says(company: Company, table: str):
    sums = company.truth.money[table]
    fate = {defect.line: defect.action for defect in company.truth.defects if defect.table == table}
    found: dict[str, Decimal] = defaultdict(Decimal)
    for line, row in company.rows[table].items():
        if row.refused is None:
            found[fate.get(line, "accepted")] += number(clean(row.cells[sums.column])) or 0
    assert found["accepted"] == sums.accepted
    assert (found["late"], found["quarantined"], found["merged"]) == (sums.late, sums.quarantined, sums.merged)
    assert sum(found.values()) == sums.delivered


@pytest.mark.parametrize("table", TABLES)
def test_each_row_breaks_the_rule_it_is_listed_with_and_no_other_breaks_any(company: Company, table: str):
    listed = {
        defect.line: [defect.rule]
        for defect in company.truth.defects
        if defect.table == table and defect.action not in ADDED
    }
    assert {line: rules for line, rules in company.broken[table].items() if rules} == listed


@pytest.mark.parametrize("table", TABLES)
def test_copies_are_listed_beside_the_row_they_repeat_and_nothing_else_repeats(company: Company, table: str):
    listed = {
        (defect.rule, defect.line, defect.twin)
        for defect in company.truth.defects
        if defect.table == table and defect.rule.endswith("_unique")
    }
    assert set(copies(company, table, listed)) == listed


@pytest.mark.parametrize("table", TABLES)
def test_the_row_that_loses_is_never_the_newer_one(company: Company, table: str):
    rows = company.rows[table]
    for defect in company.truth.defects:
        if defect.table == table and defect.rule.endswith("_unique"):
            loser, winner = rows[defect.line].cells, rows[defect.twin].cells
            assert newness(table, loser) <= newness(table, winner)
            assert newness(table, loser) < newness(table, winner) or same(table, loser, winner)


@pytest.mark.parametrize("table", TABLES)
def test_each_defect_points_at_the_row_with_its_key(company: Company, table: str):
    key = properties(table)[0]["name"]
    for defect in company.truth.defects:
        if defect.table == table:
            assert company.rows[table][defect.line].cells[key] == defect.key


def test_only_the_survey_misses_a_threshold_and_nothing_falls_below_a_floor(company: Company):
    quality = company.project.plan.quality
    missed = set()
    for table in TABLES:
        rates = rates_of(company, table)
        for name in ("completeness", "accuracy", "timeliness"):
            assert rates[name] >= getattr(quality, name).floor
            missed |= {(table, name)} if rates[name] < getattr(quality, name).threshold else set()
        missed |= {(table, "duplicates")} if rates["duplicates"] > quality.duplicates.threshold else set()
    assert missed == {("answers", "completeness"), ("answers", "accuracy")}


def test_every_kind_of_rule_is_broken_somewhere(company: Company):
    seen = {defect.rule for defect in company.truth.defects}
    for ending in ("_required", "_type", "_allowed", "_range", "_pattern", "_length", "_unique", "_not_in_future"):
        assert any(rule.endswith(ending) for rule in seen), ending
    assert seen >= {
        "ragged_row", "nul_byte", "recorded_in_time", "contact_unique", "identity_unique", "amount_minimum_when_sale",
        "refund_of_required_when_refund", "lost_at_not_before_created_at", "score_not_above_scale_max",
    }  # fmt: skip


# --- the story ---


def test_products_and_channels_are_those_the_plan_lists(company: Company):
    plan = company.project.plan
    channels = {channel.id for channel in plan.channels}
    columns = {"leads": ("product", "channel"), "orders": ("product", None), "customers": (None, "source_channel")}
    for table, (product, channel) in columns.items():
        rows = [row.cells for row in company.rows[table].values() if row.refused is None]
        assert not product or {cells[product] for cells in rows} <= {*plan.products, ""}
        assert not channel or {cells[channel] for cells in rows} <= {*channels, ""}


def test_every_rfm_class_has_customers(company: Company):
    classes = Counter(rfm_class(*figures) for figures in spending(company).values())
    cells = {(r, f, m) for r in (True, False) for f in (True, False) for m in (True, False)}
    assert classes.keys() >= {"high_value", "potential", "new", "at_risk", *cells}


def test_a_hundred_people_in_five_teams_and_a_control_group(company: Company):
    staff = {row.cells["staff_id"]: row.cells for row in company.rows["staff"].values()}
    assert Counter(cells["is_control"] for cells in staff.values()) == {"false": 100, "true": 20}
    assert len({cells["team_id"] for cells in staff.values()}) == 5


def test_referrals_convert_best_and_online_advertising_worst(company: Company):
    leads = [row.cells for row in company.rows["leads"].values() if row.refused is None]
    total = Counter(cells["channel"] for cells in leads)
    won = Counter(cells["channel"] for cells in leads if cells["won_at"])
    by_rate = sorted((channel for channel in total if channel), key=lambda channel: won[channel] / total[channel])
    assert (by_rate[0], by_rate[-1]) == ("online_ads", "referral")


def test_no_phone_number_belongs_to_two_customers(company: Company):
    twice = {defect.line for defect in company.truth.defects if defect.table == "customers" and defect.twin}
    phones = Counter(
        phone(row.cells["phone"])
        for line, row in company.rows["customers"].items()
        if line not in twice and not company.broken["customers"][line]
    )
    assert max(phones.values()) == 1


# --- a reader of its own ---


def bytes_of(root: Path) -> dict[Path, bytes]:
    return {path.relative_to(root): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def properties(table: str) -> list[dict[str, Any]]:
    return CONTRACTS[table]["schema"][0]["properties"]


def read(project: Project, truth: Truth, table: str) -> Iterator[tuple[int, Row]]:
    """Every record with its line in the file, under canonical names and values."""
    [feed] = project.sources.feeds(table)
    path = project.landing / truth.files[table]
    reader = {"csv": read_csv, "gz": read_csv, "jsonl": read_jsonl, "xlsx": read_xlsx}[path.suffix[1:]]
    for line, cells, refused in reader(path, feed):
        yield line, Row(canonical(table, feed, cells), refused)


def read_csv(path: Path, feed: Feed) -> Iterator[tuple[int, dict[str, str], str | None]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    reader = csv.reader(content.decode(feed.encoding).splitlines(), delimiter=feed.delimiter, strict=True)
    header = next(reader)
    for fields in reader:
        refused = "ragged_row" if len(fields) != len(header) else None
        refused = "nul_byte" if any("\x00" in field for field in fields) else refused
        yield reader.line_num, dict(zip(header, fields, strict=False)), refused


def read_jsonl(path: Path, feed: Feed) -> Iterator[tuple[int, dict[str, str], str | None]]:
    for number_, line in enumerate(path.read_text(encoding=feed.encoding).splitlines(), start=1):
        yield number_, {name: "" if value is None else str(value) for name, value in json.loads(line).items()}, None


def read_xlsx(path: Path, feed: Feed) -> Iterator[tuple[int, dict[str, str], str | None]]:
    rows = CalamineWorkbook.from_path(path).get_sheet_by_name(feed.sheet).to_python(skip_empty_area=False)
    header = [str(cell) for cell in rows[feed.header_row - 1]]
    for row_number, row in enumerate(rows[feed.header_row :], start=feed.header_row + 1):
        yield row_number, dict(zip(header, map(str, row), strict=True)), None


def canonical(table: str, feed: Feed, cells: dict[str, str]) -> dict[str, str]:
    names = [entry["name"] for entry in properties(table)]
    found = {name: cells[feed.columns.get(name, name)] for name in names if feed.columns.get(name, name) in cells}
    translated = {name: feed.values.get(name, {}).get(text, text) for name, text in found.items()}
    return translated | feed.constants


# --- a judge of its own ---


def clean(text: str) -> str:
    visible = "".join(letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf")
    return visible.strip()


def phone(text: str) -> str:
    digits = re.sub(r"[ -]", "", clean(text))
    return re.sub(r"^\+86(?=1[3-9]\d{9}$)", "", digits)


def number(text: str) -> Decimal | None:
    found = re.fullmatch(r"(-?)¥?(\d+|\d{1,3}(?:,\d{3})+)(\.\d+)?", text)
    return Decimal(re.sub(r"[¥,]", "", text)) if found else None


def moment(text: str) -> datetime | None:
    plain = text.replace("/", "-").replace("年", "-").replace("月", "-").replace("日", "")
    try:
        found = datetime.fromisoformat(plain) if len(plain) >= 10 else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=ZONE)


def typed(entry: dict[str, Any], text: str) -> Any:
    """The value of a cell, None where it is blank or can't be read."""
    text = clean(text)
    match entry["logicalType"]:
        case "number" | "integer":
            return number(text)
        case "date" | "timestamp":
            return moment(text)
        case "boolean":
            return {"true": True, "false": False}.get(text)
    if (entry.get("logicalTypeOptions") or {}).get("format") == "phone":
        text = phone(text)
    return text or None


def broken(table: str, row: Row) -> list[str]:
    """The rules of a contract a row breaks by itself."""
    if row.refused:
        return [row.refused]
    entries = {entry["name"]: entry for entry in properties(table)}
    values = {name: typed(entry, row.cells[name]) for name, entry in entries.items()}
    rules = [
        f"{name}_{rule}"
        for name, entry in entries.items()
        for rule in broken_by_cell(entry, clean(row.cells[name]), values[name], values)
    ]
    return rules + (["recorded_in_time"] if late(table, values) else [])


def broken_by_cell(entry: dict[str, Any], text: str, value: Any, values: dict[str, Any]) -> Iterator[str]:
    options = entry.get("logicalTypeOptions") or {}
    if entry.get("required") and not text:
        yield "required"
    if text and value is None:
        yield "type"
    if value is not None:
        if "enum" in entry and value not in {allowed["value"] for allowed in entry["enum"]}:
            yield "allowed"
        if "pattern" in options and not re.fullmatch(options["pattern"], value):
            yield "pattern"
        if len(str(value)) > options.get("maxLength", 10**6):
            yield "length"
        if not options.get("minimum", value) <= value <= options.get("maximum", value):
            yield "range"
    for quality in [quality for quality in entry.get("quality") or [] if quality["severity"] == "error"]:
        yield from broken_by_others(quality["implementation"], value, values)


def broken_by_others(rule: dict[str, Any], value: Any, values: dict[str, Any]) -> Iterator[str]:
    other = values.get(rule.get("other", rule.get("column", "")))
    both = value is not None and other is not None
    tomorrow = datetime.combine(DAY + timedelta(days=1), time.min, ZONE)
    match rule["kind"]:
        case "not_in_future" if value is not None and value >= tomorrow:
            yield "not_in_future"
        case "plan_currency" if value is not None and value != "CNY":
            yield "plan_currency"
        case "not_before" | "not_below" if both and value < other:
            yield f"{rule['kind']}_{rule['other']}"
        case "not_above" if both and value > other:
            yield f"not_above_{rule['other']}"
        case "minimum_when" if both and other == rule["equals"] and value < rule["minimum"]:
            yield f"minimum_when_{rule['equals']}"
        case "required_when" if value is None and other == rule["equals"]:
            yield f"required_when_{rule['equals']}"


def late(table: str, values: dict[str, Any]) -> bool:
    recorded = values.get("recorded_at") or values.get("recorded_on")
    happened = values.get(event(table))
    latency = next((sla["value"] for sla in CONTRACTS[table]["slaProperties"] if sla["property"] == "latency"), 0)
    return bool(recorded and happened and recorded - happened > timedelta(days=latency))


def event(table: str) -> str:
    own = CONTRACTS[table]["schema"][0]["customProperties"]
    return next((entry["value"] for entry in own if entry["property"] == "event"), "")


def newness(table: str, cells: dict[str, str]) -> datetime:
    """When the row last changed."""
    for name in ("updated_at", "recorded_at", "recorded_on", event(table)):
        if name in cells:
            found = moment(clean(cells[name]))
            assert found is not None
            return found
    raise AssertionError(f"{table} has no column that says when a row changed")


def same(table: str, one: dict[str, str], other: dict[str, str]) -> bool:
    """Whether two rows mean the same."""
    return all(typed(entry, one[entry["name"]]) == typed(entry, other[entry["name"]]) for entry in properties(table))


def copies(
    company: Company, table: str, listed: set[tuple[str, int, int | None]]
) -> Iterator[tuple[str, int, int | None]]:
    """Pairs that share a key, one kind of key after the other; of a pair that is listed the loser is known."""
    losers = {(line, twin) for _, line, twin in listed}
    kept_back = {line for line, rules in company.broken[table].items() if set(rules) - {"recorded_in_time"}}
    standing = {line: row.cells for line, row in company.rows[table].items() if line not in kept_back}
    for rule, key in keys(table).items():
        groups: dict[Any, list[int]] = defaultdict(list)
        for line, cells in standing.items():
            groups[str(key(cells))].append(line)
        for lines in groups.values():
            for kept, line in pairwise(lines):
                loser, winner = (kept, line) if (kept, line) in losers else (line, kept)
                standing.pop(loser)
                yield rule, loser, winner


def keys(table: str) -> dict[str, Any]:
    own = [entry for entry in properties(table) if entry.get("primaryKey")]
    found: dict[str, Any] = {"key_unique": lambda cells: [str(typed(part, cells[part["name"]])) for part in own]}
    if table == "customers":
        found["contact_unique"] = lambda cells: (clean(cells["customer_id"]).casefold(), phone(cells["phone"]))
        found["identity_unique"] = lambda cells: (clean(cells["name"]), phone(cells["phone"]), clean(cells["address"]))
    return found


# --- figures of its own ---


def rates_of(company: Company, table: str) -> dict[str, float]:
    defects = [defect for defect in company.truth.defects if defect.table == table]
    size = company.truth.rows[table].delivered
    missing = sum("_required" in defect.rule for defect in defects)
    return {
        "completeness": 1 - missing / size,
        "accuracy": 1 - (company.truth.rows[table].quarantined - missing) / size,
        "duplicates": sum(defect.rule.endswith("_unique") for defect in defects) / size,
        "timeliness": 1 - company.truth.rows[table].late / size,
    }


def spending(company: Company) -> dict[str, tuple[date, int, Decimal]]:
    """Customer -> last order, orders and net spend of twelve months."""
    start = datetime(2025, 11, 20, tzinfo=ZONE)
    figures: dict[str, tuple[date, int, Decimal]] = {}
    sound = [row.cells for line, row in company.rows["orders"].items() if not company.broken["orders"][line]]
    for cells in sound:
        at, amount = moment(cells["ordered_at"]), number(clean(cells["amount"]))
        assert at is not None and amount is not None
        is_sale, counts = cells["kind"] == "sale", at > start
        last, orders, spend = figures.get(clean(cells["customer_id"]), (date.min, 0, Decimal(0)))
        figures[clean(cells["customer_id"])] = (
            max(last, at.date()) if is_sale else last,
            orders + (is_sale and counts),
            spend + (amount if is_sale else -abs(amount)) * counts,
        )
    return figures


def rfm_class(last: date, orders: int, spend: Decimal) -> str | tuple[bool, bool, bool]:
    """The class by the seed's rules, else the cell of recent, frequent, large."""
    since = {months: date(2026, 11, 20) - timedelta(days=round(30.4 * months)) for months in (1, 3, 6)}
    if last > since[3] and orders >= 5 and spend >= 100_000:
        return "high_value"
    if since[6] < last <= since[3] and 3 <= orders < 5 and 50_000 <= spend < 100_000:
        return "potential"
    if last > since[1] and 1 <= orders < 3 and spend < 50_000:
        return "new"
    if last <= since[6] and 1 <= orders < 3 and spend < 50_000:
        return "at_risk"
    return last > since[3], orders >= 3, spend >= 50_000
