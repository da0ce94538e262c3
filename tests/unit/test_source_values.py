"""What a feed says of its values: units, currency, time zone, forms of dates, products. What does not fit shows."""

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sent import gate_of, holding, row
from sqlglot import parse_one

from pipeline.errors import ConfigurationError
from pipeline.project import Feed
from pipeline.sources import FeedReader
from pipeline.sources.values import UNITS, in_format, in_unit, local_time, product

DAY = dt.date(2026, 11, 20)
KINDS = {"amount": "decimal", "ordered_at": "timestamp", "paid_on": "date"}
COLUMNS = ("order_id", "amount", "currency", "ordered_at", "paid_on")
NEW_YORK = ZoneInfo("America/New_York")


def land(folder: Path, text: str, *, columns: tuple[str, ...] = COLUMNS, **feed: Any) -> list[dict[str, Any]]:
    (folder / "orders.csv").write_text(text)
    reader = FeedReader(
        Feed(source="finance", file="orders.csv", **feed),
        table="orders",
        columns=columns,
        required=("order_id",),
        landing=folder,
        as_of=DAY,
        environment={},
        kinds={name: kind for name, kind in KINDS.items() if name in columns},
    )
    with reader:
        return [landed for batch in reader.batches() for landed in batch.to_pylist()]


def one(change: Any, text: str | None, *how: Any) -> str | None:
    return change(pa.array([text], pa.string()), *how)[0].as_py()


def typed(column: str, *texts: str | None) -> list[Any]:
    """What the gate makes of texts of an orders' column."""
    rows = [row("orders", order_id=f"{number}") | {column: text} for number, text in enumerate(texts)]
    with holding("orders", rows) as session:
        gate_of("orders").split(session)
        query = parse_one(f"select cast({column} as varchar) from gate.settled order by _line", read="duckdb")
        return [value for (value,) in session.rows(query)]


# units


@pytest.mark.parametrize(
    ("text", "landed"),
    [
        ("12.5", "12.5万"),
        ("1,234.5", "1,234.5万"),
        ("-¥12", "-¥12万"),
        ("(12.5)", "(12.5万)"),
        ("12.5 CNY", "12.5万 CNY"),
        ("１２．５", "１２．５万"),
        ("12.5\u200b", "12.5万\u200b"),
        ("12.5万", "12.5万"),
        ("3 亿", "3 亿"),
        ("12500元", "12500元"),
        ("待批2号", "待批2号"),
        ("15%", "15%"),
        ("", ""),
        (None, None),
    ],
)
def test_a_plain_number_gets_the_unit_it_is_in_and_what_names_its_own_keeps_it(text: str, landed: str):
    assert one(in_unit, text, "万元") == landed


@given(st.text(st.sampled_from("0123456789.,-+()¥$ ０１．，\u200b\u3000万元千亿x%"), max_size=8))
def test_whatever_holds_a_digit_and_could_be_a_number_says_its_unit(text: str):
    """Else it would be read as a number ten thousand times too small."""
    found = one(in_unit, text, "万")
    if any(letter.isdigit() for letter in text):
        assert any(unit in found for unit in "千万亿元%")


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_is_a_word_behind_the_number(unit: str):
    assert one(in_unit, "1", unit).rstrip("元") == f"1{unit}".rstrip("元")


def test_a_unit_nobody_knows_is_a_mistake_in_sources_yaml(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"orders\.units: amount can't be in 'lakh'; known are 千, 千元, 万"):
        land(tmp_path, "order_id\n1\n", units={"amount": "lakh"})


def test_only_numbers_have_a_unit(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"orders\.units: order_id holds no number"):
        land(tmp_path, "order_id\n1\n", units={"order_id": "万元"})


# currency


def test_a_currency_of_the_feed_fills_its_column(tmp_path: Path):
    assert land(tmp_path, "order_id,amount\n1,5\n", currency="USD")[0]["currency"] == "USD"


def test_a_currency_of_the_feed_stands_above_a_column_of_that_name(tmp_path: Path):
    assert land(tmp_path, "order_id,currency\n1,EUR\n", currency="USD")[0]["currency"] == "USD"


def test_a_table_without_a_currency_has_none_to_set(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"orders\.currency: orders has no column currency"):
        land(tmp_path, "order_id\n1\n", columns=("order_id", "amount"), currency="USD")


@pytest.mark.parametrize("way", ["columns", "constants", "absent"])
def test_a_currency_can_not_be_set_and_also_mapped(way: str):
    with pytest.raises(ValidationError, match="currency: mapped and also constant or absent"):
        Feed(source="finance", file="orders.csv", currency="USD", **{way: {"currency": "CNY"}})


# time zone


@pytest.mark.parametrize(
    ("text", "landed"),
    [
        ("2026-11-20 08:30:15", "2026-11-20 08:30:15-05:00"),
        ("2026-07-01T08:30", "2026-07-01 08:30:00-04:00"),
        ("2026/7/1 8:30", "2026-07-01 08:30:00-04:00"),
        ("2026年7月1日", "2026-07-01 00:00:00-04:00"),
        ("２０２６-07-01 08:30:00.25", "2026-07-01 08:30:00.250000-04:00"),
        ("2026-07-01 08:30:00Z", "2026-07-01 08:30:00Z"),
        ("2026-07-01 08:30:00+08:00", "2026-07-01 08:30:00+08:00"),
        ("2026-07-01 08:30 UTC", "2026-07-01 08:30 UTC"),
        ("", ""),
        (None, None),
    ],
)
def test_a_moment_without_offset_is_local_time_of_the_feed(text: str, landed: str):
    assert one(local_time, text, NEW_YORK) == landed


@pytest.mark.parametrize("text", ["昨天", "46000.5", "2026-02-30 10:00", "20261120", "11/20/2026 8:30", "today"])
def test_what_is_no_moment_can_not_be_read_as_one_of_another_zone(text: str):
    landed = one(local_time, text, NEW_YORK)
    assert landed == f"{text} [no local time of America/New_York]"
    assert typed("ordered_at", landed) == [None]


def test_a_time_the_clocks_skip_is_no_time():
    assert one(local_time, "2026-03-08 02:30:00", NEW_YORK) == "2026-03-08 02:30:00 [no local time of America/New_York]"
    assert one(local_time, "2026-03-08 03:00:00", NEW_YORK) == "2026-03-08 03:00:00-04:00"


def test_of_a_time_the_clocks_show_twice_the_first_is_taken():
    assert one(local_time, "2026-11-01 01:30:00", NEW_YORK) == "2026-11-01 01:30:00-04:00"


def test_the_gate_reads_local_time_as_the_moment_it_was(tmp_path: Path):
    [landed] = land(tmp_path, "order_id,ordered_at\n1,2026-11-02 20:30:00\n", timezone="America/New_York")
    assert typed("ordered_at", landed["ordered_at"]) == ["2026-11-03 09:30:00+08"]


def test_days_have_no_time_zone(tmp_path: Path):
    [landed] = land(tmp_path, "order_id,paid_on\n1,2026-11-02\n", timezone="America/New_York")
    assert landed["paid_on"] == "2026-11-02"


def test_a_time_zone_nobody_knows_is_a_mistake_in_sources_yaml(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"orders\.timezone: there is no time zone 'Mars/Olympus'"):
        land(tmp_path, "order_id\n1\n", timezone="Mars/Olympus")


def test_a_table_of_days_only_has_no_use_for_a_time_zone(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"orders\.timezone: orders has no moments"):
        land(tmp_path, "order_id\n1\n", columns=("order_id", "paid_on"), timezone="Asia/Shanghai")


# forms of dates


@pytest.mark.parametrize(
    ("form", "text", "landed"),
    [
        ("%d/%m/%Y", "03/04/2026", "2026-04-03"),
        ("%m/%d/%Y", "03/04/2026", "2026-03-04"),
        ("%d/%m/%Y %H:%M", "3/4/2026 8:05", "2026-04-03 08:05:00"),
        ("%d %b %Y", "20 Nov 2026", "2026-11-20"),
        ("%Y%m%d", "20261120", "2026-11-20"),
        ("%d/%m/%Y", " ０３/04/2026 ", "2026-04-03"),
        ("%d/%m/%Y", "2026-04-03", "2026-04-03"),
        ("%d/%m/%Y %H:%M", "2026-04-03 08:05:00", "2026-04-03 08:05:00"),
        ("%Y-%d-%m", "2026-03-04", "2026-04-03"),
        ("%d/%m/%Y", "", ""),
        ("%d/%m/%Y", None, None),
    ],
)
def test_a_date_is_read_in_the_form_it_is_written_in(form: str, text: str, landed: str):
    assert one(in_format, text, form) == landed


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%d/%m/%Y", "04/13/2026"),
        ("%d/%m/%Y", "2026/04/03"),
        ("%d/%m/%Y", "20260403"),
        ("%d/%m/%Y", "46000"),
        ("%d/%m/%Y", "03/04/26"),
        ("%d/%m/%Y", "03/04/2026 08:00"),
        ("%Y-%d-%m", "2026-04-13"),
        ("%d/%m/%Y", "2026年4月3日"),
    ],
)
def test_a_date_in_another_form_is_never_read_by_luck(form: str, text: str):
    landed = one(in_format, text, form)
    assert landed == f"{text} [not {form}]"
    assert typed("paid_on", landed) == typed("ordered_at", landed) == [None]


@pytest.mark.parametrize("form", ["%d/%m", "%Y-%m", "%H:%M", "dd/mm/yyyy", "%d/%m/%Y %I:%M", "%Q"])
def test_a_form_that_does_not_tell_the_day_is_a_mistake_in_sources_yaml(tmp_path: Path, form: str):
    with pytest.raises(ConfigurationError, match=r"orders\.dates: .* does not tell a day"):
        land(tmp_path, "order_id\n1\n", dates={"paid_on": form})


def test_a_form_and_a_time_zone_go_together(tmp_path: Path):
    text = "order_id,ordered_at\n1,03/04/2026 08:30\n2,2026.04.03\n"
    landed = land(tmp_path, text, dates={"ordered_at": "%d/%m/%Y %H:%M"}, timezone="Europe/London")
    assert [row["ordered_at"] for row in landed] == ["2026-04-03 08:30:00+01:00", "2026.04.03 [not %d/%m/%Y %H:%M]"]


# products


@pytest.mark.parametrize(
    ("parts", "landed"),
    [
        (("6", "2.55"), "15.30"),
        (("3", "0.1"), "0.3"),
        (("-1", "1,000.50"), "-1000.50"),
        (("12345678901234567890", "1.1"), "13580246791358024679.0"),
        (("6", ""), "6 × "),
        (("6", "x"), "6 × x"),
        (("6", "1e3"), "6 × 1e3"),
        (("", ""), ""),
        ((None, None), None),
    ],
)
def test_a_product_is_exact_or_shows_what_it_was_to_be_made_of(parts: tuple[str, str], landed: str):
    assert product([pa.array([part], pa.string()) for part in parts])[0].as_py() == landed


@pytest.mark.parametrize("parts", [("6", ""), ("6", "x"), ("", "6"), ("6", "NaN")])
def test_a_product_that_can_not_be_made_is_no_amount(parts: tuple[str, str]):
    assert typed("amount", product([pa.array([part]) for part in parts])[0].as_py()) == [None]


def test_an_amount_is_the_product_of_two_source_columns(tmp_path: Path):
    text = "order_id,Quantity,UnitPrice\n1,6,2.55\n2,2,\n"
    landed = land(tmp_path, text, multiply={"amount": ["Quantity", "UnitPrice"]})
    assert [row["amount"] for row in landed] == ["15.30", "2 × "]


def test_a_factor_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(
        Exception, match=r"no column UnitPrice \(multiplied into amount\); columns found: order_id, Quan"
    ):
        land(tmp_path, "order_id,Quantity\n1,6\n", multiply={"amount": ["Quantity", "UnitPrice"]})


def test_one_column_can_not_be_mapped_and_multiplied():
    with pytest.raises(ValidationError, match="amount: mapped and also"):
        Feed(source="f", file="o.csv", columns={"amount": "a"}, multiply={"amount": ["a", "b"]})


def test_one_column_is_no_product():
    with pytest.raises(ValidationError, match="at least 2"):
        Feed(source="f", file="o.csv", multiply={"amount": ["a"]})
