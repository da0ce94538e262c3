"""How a figure that was taken apart is told: what is asked for and not there, intervals, the rows behind."""

import io

import pandas as pd
import pytest
from models import a_plan
from rich.console import Console

from assets.ads.intervals import METHODS
from pipeline.commands.explain import NAMED, _held, _rows_table, interval_told, member_name
from pipeline.errors import ConfigurationError
from pipeline.plan import Channel, Label


def members(number: int) -> pd.DataFrame:
    return pd.DataFrame({"member": [f"E{place:03}" for place in range(number)]})


def test_of_many_members_the_first_are_named_and_the_others_counted():
    with pytest.raises(ConfigurationError) as error:
        _held(members(NAMED + 2), "member", "E999")
    assert str(error.value).startswith("no member 'E999' among the published values of the KPI; there are E000, E001, ")
    assert str(error.value).endswith(f"E{NAMED - 1:03} and 2 more")


def test_of_few_members_all_are_named():
    with pytest.raises(ConfigurationError, match="there are E000, E001$"):
        _held(members(2), "member", "E999")


@pytest.mark.parametrize(
    ("lower", "upper", "lang", "told"),
    [
        pytest.param(0.1, 0.2, "en", "10.0% to 20.0%  Wilson interval of a share", id="en"),
        pytest.param(-0.1, 0.2, "zh", "−10.0% 至 20.0%  Wilson 区间（占比）", id="zh"),
        pytest.param(None, None, "en", "–", id="none"),
    ],
)
def test_an_interval_is_told_where_there_is_one(lower: float | None, upper: float | None, lang: str, told: str):
    assert interval_told({"lower": lower, "upper": upper}, "rate", METHODS["wilson"], lang) == told


def shown(counted: list[str] | None, amount: list[float] | None, lang: str) -> str:
    rows = pd.DataFrame(
        {"row_key": ["O1", "O2"], "day": [pd.Timestamp(2026, 9, 1)] * 2, "source": "crm:a.csv", "line": 2}
    )
    rows = rows.assign(counted=counted, amount=amount or [None, None])
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(_rows_table("numerator", "new_customers", rows, lang))
    return " ".join(console.export_text().split())


def test_what_is_counted_is_no_amount():
    assert "row day counted from line" in shown(["C1", "C2"], None, "en")
    assert "row day amount from line" in shown(None, [5.0, 6.5], "en")
    assert "new_customers (numerator): 2 rows, 11.50" in shown(None, [5.0, 6.5], "en")
    assert "new_customers（分子）：2 行，合计 2 数据行 日期 计数对象 来源 行号" in shown(["C1", "C2"], None, "zh")


@pytest.mark.parametrize(
    ("dimension", "member", "lang", "told"),
    [("channel", "expo", "zh", "展会"), ("channel", "expo", "both", "expo"), ("team", "expo", "zh", "expo")],
)
def test_a_member_is_called_in_chinese_what_the_plan_calls_it(dimension: str, member: str, lang: str, told: str):
    plan = a_plan(channels=[Channel(id="expo", label=Label(zh="展会", en="Trade fairs"))])
    assert member_name({"dimension": dimension, "member": member}, plan, lang) == told
