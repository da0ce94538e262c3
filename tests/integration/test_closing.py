"""The closing snapshot in a real PostgreSQL (I58, U09): marked, kept, shown, replaced only where that is asked for."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy
from databases import query
from models import a_plan, spoken_columns

from assets.ads.kpi_values import KPI_VALUES
from pipeline.errors import ConfigurationError
from pipeline.plan import Channel, Label, Retention
from pipeline.warehouse import Publication, Table, Warehouse

CLOSING = date(2026, 12, 30)
CAMPAIGN = {"period_kind": "campaign", "period": "campaign", "period_start": date(2026, 9, 1)}
SCORECARD = "select as_of, kpi, dimension, member, value, is_restated from ads.closing_scorecard order by 1, 2, 3, 4"

Publish = Callable[..., None]


def figure(value: float, **fields: Any) -> dict[str, Any]:
    """New customers of the whole campaign."""
    usual = {"kpi": "new_customers", "variant": "first_order", "is_official": True, "dimension": "total"}
    usual |= {"member": "(all)", "state": "final", "unit": "count", "better": "higher", "adds_up": "distinct"}
    return usual | CAMPAIGN | {"period_end": date(2026, 12, 1), "label_zh": "新客户数", "value": value} | fields


@pytest.fixture
def warehouse(server: sqlalchemy.URL) -> Warehouse:
    return Warehouse(server)


@pytest.fixture
def publish(warehouse: Warehouse, tmp_path: Path, run: Callable[..., Publication]) -> Publish:
    """Publishes a day's figures, the closing day's as the closing snapshot."""

    def _publish(as_of: date, *figures: dict[str, Any], retention: Retention | None = None, **options: Any) -> None:
        KPI_VALUES.write([dict.fromkeys(KPI_VALUES.columns) | row for row in figures], tmp_path / "figures")
        columns = spoken_columns(
            KPI_VALUES, a_plan(channels=[Channel(id="search", label=Label(zh="搜索", en="Search"))])
        )
        table = Table(KPI_VALUES.name, "Figures.", columns, KPI_VALUES.grain, (tmp_path / "figures",), True)
        publication = replace(run(as_of), is_closing=as_of == CLOSING, **options)
        warehouse.publish(
            [table], publication, audit=lambda engine, staged: None, retention=retention or Retention(days=400)
        )

    return _publish


def test_the_snapshot_shows_what_the_campaign_came_to_and_goes_on_showing_it(server: sqlalchemy.URL, publish: Publish):
    day_before, day_after = CLOSING - timedelta(days=1), CLOSING + timedelta(days=1)
    publish(day_before, figure(640))
    assert query(server, SCORECARD) == []
    search = {"dimension": "channel", "member": "search"}
    publish(CLOSING, figure(645), figure(200, **search), figure(9, variant="other", is_official=False))
    publish(day_after, figure(650), figure(201, **search))
    assert query(server, SCORECARD) == [
        (CLOSING, "new_customers", "channel", "search", 200, False),
        (CLOSING, "new_customers", "total", "(all)", 645, False),
    ]
    zh = 'select "结项日期", "指标名称", "维度", "数值", "数据状态" from ads.closing_scorecard_zh order by "数值"'
    assert query(server, zh)[1] == (CLOSING, "新客户数", "总计", 645, "正式")
    marked = "select as_of, is_closing from meta.publications order by as_of"
    assert query(server, marked) == [(day_before, False), (CLOSING, True), (day_after, False)]


def test_chinese_readers_of_the_snapshot_are_told_names_units_and_reasons_in_chinese(
    server: sqlalchemy.URL, publish: Publish
):
    doubted = {"state": "provisional", "reason": "orders: no rows", "reason_zh": "订单：没有数据行"}
    search = {"dimension": "channel", "member": "search"}
    publish(CLOSING, figure(645), figure(200, **search, **doubted), figure(3, dimension="team", member="T01"))
    zh = 'select "维度", "维度成员", "数据状态", "原因", "单位", "优劣方向" from ads.closing_scorecard_zh order by 2'
    assert query(server, zh) == [
        ("团队", "T01", "正式", None, "个", "越高越好"),
        ("总计", "全部", "正式", None, "个", "越高越好"),
        ("渠道", "搜索", "暂定", "订单：没有数据行", "个", "越高越好"),
    ]
    english = "select reason, reason_zh from ads.closing_scorecard where member = 'search'"
    assert query(server, english) == [("orders: no rows", "订单：没有数据行")]


def test_a_snapshot_is_not_replaced_unasked(server: sqlalchemy.URL, warehouse: Warehouse, publish: Publish):
    publish(CLOSING, figure(645))
    with pytest.raises(ConfigurationError, match="2026-12-30 is the closing snapshot .*--replace-closing"):
        publish(CLOSING, figure(651))
    with pytest.raises(ConfigurationError, match="closing snapshot"):
        warehouse.check_closing(CLOSING)
    assert query(server, SCORECARD) == [(CLOSING, "new_customers", "total", "(all)", 645, False)]
    assert query(server, "select count(*) from meta.publications") == [(1,)]


def test_it_is_where_that_is_asked_for_and_what_changes_is_journalled(server: sqlalchemy.URL, publish: Publish):
    publish(CLOSING, figure(645), figure(3, kpi="visits"))
    publish(CLOSING, figure(651), figure(3, kpi="visits"), replaces_closing=True)
    journal = "select kpi, old_value, new_value, is_rerun from ads.restatements"
    assert query(server, journal) == [("new_customers", 645, 651, True)]
    assert query(server, SCORECARD) == [
        (CLOSING, "new_customers", "total", "(all)", 651, True),
        (CLOSING, "visits", "total", "(all)", 3, False),
    ]


def test_a_run_that_is_tried_again_replaces_its_own(publish: Publish, server: sqlalchemy.URL):
    publish(CLOSING, figure(645), run_id="one")
    publish(CLOSING, figure(645), run_id="one")
    assert query(server, "select run_id, is_closing from meta.publications") == [("one", True)]


def test_other_days_are_replaced_as_ever(warehouse: Warehouse, publish: Publish):
    warehouse.check_closing(CLOSING)
    day = CLOSING - timedelta(days=1)
    publish(day, figure(640))
    publish(day, figure(641))
    warehouse.check_closing(day)


def test_retention_never_drops_it(server: sqlalchemy.URL, publish: Publish):
    """The day before it is as old, and goes."""
    brief = Retention(days=5, month_ends=False)
    publish(CLOSING - timedelta(days=1), figure(640), retention=brief)
    publish(CLOSING, figure(645), retention=brief)
    publish(date(2027, 3, 20), figure(645), retention=brief)
    assert query(server, "select distinct as_of from ads.kpi_values order by 1") == [(CLOSING,), (date(2027, 3, 20),)]
    assert len(query(server, SCORECARD)) == 1


def test_a_database_of_an_earlier_release_gets_the_mark(server: sqlalchemy.URL, warehouse: Warehouse, publish: Publish):
    publish(CLOSING, figure(645))
    url = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("drop view ads.closing_scorecard_zh, ads.closing_scorecard")
        cursor.execute("alter table meta.publications drop column is_closing")
    warehouse.check_closing(CLOSING)
    publish(CLOSING, figure(646))
    assert query(server, SCORECARD) == [(CLOSING, "new_customers", "total", "(all)", 646, True)]


def test_every_column_of_it_is_explained_in_both_languages(server: sqlalchemy.URL, publish: Publish):
    publish(CLOSING, figure(645))
    unexplained = (
        "select attname from pg_attribute where attrelid = 'ads.closing_scorecard'::regclass and attnum > 0 "
        "and coalesce(col_description(attrelid, attnum), '') !~ '[一-龥].* · '"
    )
    assert query(server, unexplained) == []
