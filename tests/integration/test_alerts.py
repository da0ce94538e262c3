"""Alerts in a real PostgreSQL: raised once, taken on, paused, over, back again; readers look and touch nothing."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args

import psycopg2
import pytest
import sqlalchemy
from models import a_plan, spoken_columns

from assets.ads.alert_signals import ALERT_SIGNALS
from assets.chinese import chinese
from pipeline.errors import ConfigurationError, GateClosed
from pipeline.plan import Channel, Label, Owners, Plan, Retention, Scope
from pipeline.warehouse import Publication, Table, Warehouse

DAY = date(2026, 11, 20)
NEXT = DAY + timedelta(days=1)
LATER = DAY + timedelta(days=2)

Evaluate = Callable[..., None]


def signal(name: str = "dear", level: str | None = "yellow", **fields: Any) -> dict[str, Any]:
    """A raised signal of one rule and member."""
    hours = {"red": 2.0, "yellow": 24.0, "blue": 72.0}
    usual = {"signal_id": name, "rule_id": name, "watched": "kpi", "subject": "cac", "dimension": "total"}
    usual |= {"member": "(all)", "owner": "acquisition", "label_zh": "获客成本过高", "label_en": "CAC too high"}
    judged = {"is_judged": level is not None, "is_raised": level is not None, "alert_level": level}
    return usual | judged | {"response_hours": hours.get(str(level)), "days_breached": 1, "days_asked": 1} | fields


@pytest.fixture
def warehouse(server: sqlalchemy.URL) -> Warehouse:
    return Warehouse(server)


@pytest.fixture
def evaluate(warehouse: Warehouse, tmp_path: Path, run: Callable[..., Publication]) -> Evaluate:
    """Publishes a day's signals, as a run does."""

    def publish(
        as_of: date,
        *signals: dict[str, Any],
        plan: Plan | None = None,
        audit: Callable[..., None] = lambda engine, staged: None,
    ) -> None:
        rows = [dict.fromkeys(ALERT_SIGNALS.columns) | one for one in signals]
        ALERT_SIGNALS.write(rows, tmp_path / "signals")
        columns, files = spoken_columns(ALERT_SIGNALS, plan), (tmp_path / "signals",)
        table = Table(ALERT_SIGNALS.name, "Signals.", columns, ALERT_SIGNALS.grain, files)
        warehouse.publish([table], run(as_of), audit=audit, retention=Retention(days=400))

    return publish


def states(warehouse: Warehouse) -> dict[tuple[str, int], str]:
    """State by label and episode of every alert there ever was."""
    return {(row["label_en"], row["episode"]): row["state"] for row in warehouse.alerts(everything=True)}


def events(server: sqlalchemy.URL) -> list[str]:
    return [event for (event,) in rows(server, "select event from ads.alert_events order by event_id")]


def rows(server: sqlalchemy.URL, query: str, role: str | None = None) -> list[tuple]:
    """What the owner reads, or somebody in a role."""
    url = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        if role:
            cursor.execute(f"set role {role}")
        cursor.execute(query)
        return cursor.fetchall()


def test_a_breach_is_raised_once_and_not_anew_every_day(
    server: sqlalchemy.URL, warehouse: Warehouse, evaluate: Evaluate
):
    for day in (DAY, DAY, NEXT, LATER):
        evaluate(day, signal())
    assert states(warehouse) == {("CAC too high", 1): "open"}
    assert events(server) == ["opened"]
    assert rows(server, "select opened_on, last_seen_on from ads.alerts") == [(DAY, LATER)]


def test_what_is_not_breached_any_more_is_resolved_and_comes_back_as_a_new_episode(
    server: sqlalchemy.URL, warehouse: Warehouse, evaluate: Evaluate
):
    evaluate(DAY, signal())
    evaluate(NEXT)
    evaluate(LATER, signal())
    assert states(warehouse) == {("CAC too high", 1): "resolved", ("CAC too high", 2): "open"}
    assert events(server) == ["opened", "resolved", "opened"]
    assert rows(server, "select resolved_on from ads.alerts where episode = 1") == [(NEXT,)]


def test_an_alert_that_cant_be_judged_today_stays_as_it_is(warehouse: Warehouse, evaluate: Evaluate):
    evaluate(DAY, signal())
    evaluate(NEXT, signal(level=None))
    assert states(warehouse) == {("CAC too high", 1): "open"}


def test_a_breach_that_has_not_lasted_long_enough_raises_nothing(warehouse: Warehouse, evaluate: Evaluate):
    evaluate(DAY, signal(is_raised=False, days_asked=3))
    assert states(warehouse) == {}


def test_an_alert_that_was_taken_on_stays_so_over_the_days(
    server: sqlalchemy.URL, warehouse: Warehouse, evaluate: Evaluate
):
    evaluate(DAY, signal())
    about = warehouse.change_alert(1, "acknowledged", done_by="S0007", note="asked the agency")
    evaluate(NEXT, signal())
    [row] = warehouse.alerts()
    assert about == {"zh": "获客成本过高", "en": "CAC too high"}
    assert (row["state"], row["acknowledged_by"], row["note"]) == ("acknowledged", "S0007", "asked the agency")
    assert events(server) == ["opened", "acknowledged"]


def test_who_took_a_mild_one_on_has_not_taken_the_grave_one_on(
    server: sqlalchemy.URL, warehouse: Warehouse, evaluate: Evaluate
):
    evaluate(DAY, signal())
    warehouse.change_alert(1, "acknowledged", done_by="S0007")
    evaluate(NEXT, signal(level="red"))
    [row] = warehouse.alerts()
    assert (row["alert_level"], row["state"], row["acknowledged_by"]) == ("red", "open", None)
    evaluate(LATER, signal(level="blue"))
    assert events(server) == ["opened", "acknowledged", "escalated", "eased"]


def test_a_red_one_is_to_be_answered_within_two_hours(server: sqlalchemy.URL, warehouse: Warehouse, evaluate: Evaluate):
    evaluate(DAY, signal(level="red"))
    assert rows(server, "select respond_by - raised_at from ads.alerts") == [(timedelta(hours=2),)]
    assert warehouse.alerts()[0]["is_overdue"] is False
    with psycopg2.connect(server.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        connection.cursor().execute("update ads.alerts set respond_by = now() - interval '1 minute'")
    assert warehouse.alerts()[0]["is_overdue"] is True
    warehouse.change_alert(1, "acknowledged", done_by="S0007")
    assert warehouse.alerts()[0]["is_overdue"] is False


def test_a_pause_outlasts_the_episode_and_no_longer_than_its_day(
    server: sqlalchemy.URL, warehouse: Warehouse, evaluate: Evaluate
):
    evaluate(DAY, signal(), signal("other"))
    warehouse.change_alert(1, "paused", until=LATER)
    warehouse.change_alert(2, "paused", until=NEXT)
    evaluate(NEXT)
    evaluate(NEXT, signal(), signal("other"))
    found = rows(server, "select signal_id, paused_until from ads.alerts where episode = 2 order by signal_id")
    assert found == [("dear", LATER), ("other", None)]


def test_a_reset_alert_is_raised_anew_if_it_is_still_breached(warehouse: Warehouse, evaluate: Evaluate):
    evaluate(DAY, signal())
    warehouse.change_alert(1, "reset")
    assert states(warehouse) == {("CAC too high", 1): "resolved"}
    evaluate(NEXT, signal())
    assert states(warehouse) == {("CAC too high", 1): "resolved", ("CAC too high", 2): "open"}


@pytest.mark.parametrize("event", ["acknowledged", "paused", "reset"])
def test_nothing_can_be_done_to_an_alert_that_is_over_or_was_never_there(
    warehouse: Warehouse, evaluate: Evaluate, event: Any
):
    evaluate(DAY, signal())
    evaluate(NEXT)
    for alert_id in (1, 99):
        with pytest.raises(ConfigurationError, match=f"no alert {alert_id} is open or acknowledged"):
            warehouse.change_alert(alert_id, event, done_by="S0007", until=LATER)


def test_an_older_day_that_is_run_again_disturbs_nothing(
    server: sqlalchemy.URL, warehouse: Warehouse, evaluate: Evaluate
):
    evaluate(DAY, signal("old"), signal("both"))
    evaluate(NEXT, signal("new"), signal("both"))
    warehouse.change_alert(1, "acknowledged", done_by="S0007")
    before = rows(server, "select * from ads.alerts order by alert_id")
    evaluate(DAY, signal("old", level="red"), signal("stranger"))
    assert rows(server, "select * from ads.alerts order by alert_id") == before
    assert rows(server, "select signal_id from ads.alert_signals_current order by 1") == [("both",), ("new",)]


def test_a_publication_that_is_refused_changes_no_alert(
    server: sqlalchemy.URL, warehouse: Warehouse, evaluate: Evaluate
):
    evaluate(DAY, signal())

    def refuse(engine: sqlalchemy.Engine, staged: object) -> None:
        raise GateClosed("no")

    with pytest.raises(GateClosed):
        evaluate(NEXT, audit=refuse)
    assert states(warehouse) == {("CAC too high", 1): "open"}
    assert events(server) == ["opened"]


def test_readers_see_alerts_and_their_history_and_change_neither(server: sqlalchemy.URL, evaluate: Evaluate):
    evaluate(DAY, signal())
    assert rows(server, "select state from ads.alerts", "tuoke_reader") == [("open",)]
    assert rows(server, "select event from ads.alert_events", "tuoke_reader") == [("opened",)]
    for change in ("update ads.alerts set state = 'resolved' returning 1", "delete from ads.alert_events returning 1"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            rows(server, change, "tuoke_reader")


def test_the_gravest_come_first_and_those_nobody_has_before_those_somebody_has(
    warehouse: Warehouse, evaluate: Evaluate
):
    levels = {"a": "blue", "b": "red", "c": "red", "d": "yellow"}
    evaluate(DAY, *(signal(name, level, label_en=name) for name, level in levels.items()))
    [first] = [row["alert_id"] for row in warehouse.alerts() if row["label_en"] == "b"]
    warehouse.change_alert(first, "acknowledged", done_by="S0007")
    assert [row["label_en"] for row in warehouse.alerts()] == ["c", "b", "d", "a"]


def test_before_anything_was_published_there_is_no_alert(warehouse: Warehouse):
    assert warehouse.alerts() == []
    with pytest.raises(ConfigurationError, match="no alert 1 is open"):
        warehouse.change_alert(1, "reset")


def test_every_column_is_explained(server: sqlalchemy.URL, evaluate: Evaluate):
    evaluate(DAY)
    query = (
        "select attrelid::regclass || '.' || attname from pg_attribute where attnum > 0 and not attisdropped "
        "and attrelid in ('ads.alerts'::regclass, 'ads.alert_events'::regclass) "
        "and coalesce(col_description(attrelid, attnum), '') !~ '[一-龥].* · '"
    )
    assert rows(server, query) == []


# --- in Chinese ---


def test_alerts_and_their_history_are_read_in_chinese(server: sqlalchemy.URL, warehouse: Warehouse, evaluate: Evaluate):
    evaluate(DAY, signal(dimension="channel", member="expo", sentence_zh="高于限值 80。", signal_kind="leading"))
    warehouse.change_alert(1, "acknowledged", done_by="S0007")
    told = 'select "预警级别", "状态", "预警事项", "维度", "维度成员", "说明", "指标性质", "确认人" from ads.alerts_zh'
    assert rows(server, told, "tuoke_reader") == [
        ("黄色", "已确认", "获客成本过高", "渠道", "expo", "高于限值 80。", "领先指标", "S0007")
    ]
    history = 'select "事件", "预警级别" from ads.alert_events_zh order by "记录编号"'
    assert rows(server, history, "tuoke_reader") == [("报警", "黄色"), ("确认", "黄色")]


def test_members_and_owners_are_called_there_what_the_plan_calls_them_now(server: sqlalchemy.URL, evaluate: Evaluate):
    """The alert is of an earlier day, the name of today's plan."""
    told = 'select "维度成员", "责任人" from ads.alerts_zh order by 1'
    evaluate(DAY, signal(dimension="channel", member="expo"))
    assert rows(server, told) == [("expo", "acquisition")]
    channels = [Channel(id="expo", label=Label(zh="展会", en="Trade fairs"))]
    owners = Owners(
        data="data-office", campaign="acquisition", names={"acquisition": Label(zh="拓客组", en="Acquisition")}
    )
    named = a_plan(channels=channels, owners=owners)
    evaluate(
        NEXT,
        signal(dimension="channel", member="expo"),
        signal("other", dimension="channel", member="fair"),
        plan=named,
    )
    assert rows(server, told, "tuoke_reader") == [("fair", "拓客组"), ("展会", "拓客组")]


def test_nobody_changes_an_alert_through_its_chinese_view(server: sqlalchemy.URL, evaluate: Evaluate):
    evaluate(DAY, signal())
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows(server, "update ads.alerts_zh set \"备注\" = 'x' returning 1", "tuoke_reader")


@pytest.mark.parametrize("table", ["ads.alerts", "ads.alert_events"])
def test_a_column_is_called_in_chinese_as_its_comment_begins(server: sqlalchemy.URL, evaluate: Evaluate, table: str):
    evaluate(DAY)
    columns = (
        f"select attname, col_description(attrelid, attnum) from pg_attribute where attrelid = '{table}{{}}'::regclass"
    )
    columns += " and attnum > 0 and not attisdropped order by attnum"
    named = {name: comment.split(" · ")[0] for name, comment in rows(server, columns.format(""))}
    shown = dict(rows(server, columns.format("_zh")))
    assert list(shown) == [told for name, told in named.items() if not name.endswith("_en")]
    assert all(comment.startswith(f"{name} · ") for name, comment in shown.items())


@pytest.mark.parametrize("column", ["alert_level", "dimension", "signal_kind"])
def test_codes_of_alerts_are_worded_as_everywhere(server: sqlalchemy.URL, evaluate: Evaluate, column: str):
    watched = {"line", "category", *get_args(Scope)}
    watched |= {"source", "risk"}
    codes = [code for code in chinese().words[column] if column != "dimension" or code in watched]
    level = {"level": "red"} if column != "alert_level" else {}
    evaluate(
        DAY,
        *(signal(code, **level, **({"level": code} if column == "alert_level" else {column: code})) for code in codes),
    )
    name = {"alert_level": "预警级别", "dimension": "维度", "signal_kind": "指标性质"}[column]
    told = dict(rows(server, f'select "规则编号", "{name}" from ads.alerts_zh'))
    assert told == {code: chinese().words[column][code] for code in codes}


def test_the_chinese_views_are_made_once_and_anew_where_another_version_made_them(
    server: sqlalchemy.URL, evaluate: Evaluate
):
    identity = "select 'ads.alerts_zh'::regclass::oid"
    evaluate(DAY)
    first = rows(server, identity)
    evaluate(NEXT)
    assert rows(server, identity) == first
    url = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("comment on view ads.alerts_zh is 'of an earlier version'")
    evaluate(LATER)
    assert rows(server, identity) != first
