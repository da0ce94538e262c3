"""Restatements in a real PostgreSQL (U09, I58): what is journalled, why, and who has taken note of it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy
from databases import query
from models import a_plan, spoken_columns

from assets.ads.kpi_values import KPI_VALUES
from pipeline.errors import ConfigurationError, GateClosed
from pipeline.plan import Channel, Label, Retention
from pipeline.warehouse import Publication, Sign, Table, Warehouse
from quality.ledger import LEDGER

TENTH, NINETEENTH, TWENTIETH = (date(2026, 11, day) for day in (10, 19, 20))
OCTOBER = {
    "period_kind": "month",
    "period": "2026-10",
    "period_start": date(2026, 10, 1),
    "period_end": date(2026, 11, 1),
}
JOURNAL = "select kpi, period, dimension, member, old_value, new_value from ads.restatements order by 1, 2, 3, 4"

Publish = Callable[..., None]


def figure(value: float | None = 215.0, **fields: Any) -> dict[str, Any]:
    """New customers of October, in all."""
    usual = {"kpi": "new_customers", "variant": "first_order", "is_official": True, "dimension": "total"}
    usual |= {"member": "(all)", "state": "final", "unit": "count", "better": "higher", "adds_up": "distinct"}
    return usual | OCTOBER | {"label_zh": "新客户数", "label_en": "New customers", "value": value} | fields


def running(as_of: date, value: float) -> dict[str, Any]:
    """New customers of the month that runs on a day."""
    return figure(value, period="2026-11", period_start=date(2026, 11, 1), period_end=as_of.replace(day=as_of.day + 1))


@dataclass
class Seen:
    """A witness who says what it was told to, of a figure made of customers and orders."""

    signs: list[Sign] = field(default_factory=list)
    looks_on: bool = False

    def made_of(self) -> list[dict[str, Any]]:
        figure = {"kpi": "new_customers", "variant": "first_order", "looks_on": self.looks_on}
        return [figure | {"table_name": table} for table in ("customers", "orders")]

    def tables(self) -> list[dict[str, str]]:
        names = {"customers": ("客户", "Customers"), "orders": ("订单", "Orders"), "leads": ("线索", "Leads")}
        return [{"table_name": name, "table_zh": zh, "table_en": en} for name, (zh, en) in names.items()]

    def same_day(self, before: Mapping[str, str], now: Mapping[str, str]) -> list[Sign]:
        return self.signs

    def since(self, earlier: date, tables: Collection[str]) -> list[Sign]:
        return [sign for sign in self.signs if sign.table_name in (None, *tables)]


@pytest.fixture
def warehouse(server: sqlalchemy.URL) -> Warehouse:
    return Warehouse(server)


@pytest.fixture
def publish(warehouse: Warehouse, tmp_path: Path, run: Callable[..., Publication]) -> Publish:
    """Publishes a day's figures, as a run does."""

    def _publish(as_of: date, *figures: dict[str, Any], signs: list[Sign] | None = None, **options: Any) -> None:
        table = written(KPI_VALUES, list(figures), tmp_path)
        others = [written(LEDGER, rows, tmp_path) for rows in [options.pop("ledger", None)] if rows]
        seen = Seen(signs or [], options.pop("looks_on", False))
        audit = options.pop("audit", lambda engine, staged: None)
        publication = replace(run(as_of), **options)
        warehouse.publish([table, *others], publication, audit=audit, retention=Retention(days=400), witness=seen)

    return _publish


def written(spec: Any, rows: list[dict[str, Any]], folder: Path) -> Table:
    """A table of the product with these rows; what they don't say is blank."""
    file = folder / spec.name
    spec.write([dict.fromkeys(spec.columns) | row for row in rows], file)
    columns = spoken_columns(spec, a_plan(channels=[Channel(id="expo", label=Label(zh="展会", en="Trade fairs"))]))
    return Table(spec.name, "For a test.", columns, spec.grain, (file,), by_day_partition=spec is KPI_VALUES)


def through_the_gate(came: int, let_in: int, repeated: int = 0) -> list[dict[str, Any]]:
    """The ledger of orders: so many lines came, so many rows were let in, one of them late, others repeat those."""
    usual = {"table_name": "orders", "currency": "-", "rows_corrected": 0, "is_balanced": True, "rows_in": came}
    gate = {"layer": "dwd", "rows_accepted": let_in - 1, "rows_late": 1, "rows_merged": repeated}
    kept_back = {"rows_quarantined": came - let_in - repeated}
    landed = {"layer": "ods", "rows_accepted": came, "rows_late": 0, "rows_merged": 0}
    return [usual | landed, usual | gate | kept_back]


def golden(rows_merged: int) -> dict[str, Any]:
    """The ledger of customers who were found to be one."""
    usual = {"table_name": "customers", "layer": "golden", "currency": "-", "rows_corrected": 0, "is_balanced": True}
    return usual | {"rows_in": 100, "rows_accepted": 100 - rows_merged, "rows_late": 0, "rows_merged": rows_merged}


def causes(server: sqlalchemy.URL) -> list[tuple]:
    return query(server, "select causes, reason_zh, reason_en from ads.restatements order by restatement_id, member")


class TestWhatIsJournalled:
    def test_a_later_day_that_tells_october_otherwise_restates_it(self, server: sqlalchemy.URL, publish: Publish):
        publish(TENTH, figure(215))
        publish(TWENTIETH, figure(221))
        assert query(server, JOURNAL) == [("new_customers", "2026-10", "total", "(all)", 215, 221)]
        told = "select old_as_of, new_as_of, difference, difference_rate, is_rerun, variant"
        assert query(server, f"{told} from ads.restatements") == [
            (TENTH, TWENTIETH, 6, pytest.approx(6 / 215), False, "first_order")
        ]

    def test_a_month_that_still_runs_is_not_restated_by_going_on(self, server: sqlalchemy.URL, publish: Publish):
        publish(NINETEENTH, running(NINETEENTH, 40))
        publish(TWENTIETH, running(TWENTIETH, 44))
        assert query(server, JOURNAL) == []

    def test_the_last_day_counts_as_over_only_once_a_day_has_passed(self, server: sqlalchemy.URL, publish: Publish):
        def last_day(value: float) -> dict[str, Any]:
            own = {"period_kind": "day", "period": "2026-11-18", "period_start": date(2026, 11, 18)}
            return figure(value, **own, period_end=NINETEENTH)

        publish(date(2026, 11, 18), last_day(3))
        publish(NINETEENTH, last_day(4))
        publish(TWENTIETH, last_day(5))
        assert query(server, "select old_value, new_value from ads.restatements") == [(4, 5)]

    def test_of_a_day_that_is_run_again_every_figure_that_changes_is(self, server: sqlalchemy.URL, publish: Publish):
        publish(TWENTIETH, running(TWENTIETH, 44), figure(215))
        publish(TWENTIETH, running(TWENTIETH, 45), figure(215))
        assert query(server, JOURNAL) == [("new_customers", "2026-11", "total", "(all)", 44, 45)]
        assert query(server, "select is_rerun from ads.restatements") == [(True,)]

    def test_each_publication_is_compared_with_the_one_before_it(self, server: sqlalchemy.URL, publish: Publish):
        publish(TENTH, figure(215))
        publish(TWENTIETH, figure(221))
        publish(TWENTIETH, figure(220))
        changes = "select old_value, new_value, old_as_of from ads.restatements order by restatement_id"
        assert query(server, changes) == [(215, 221, TENTH), (221, 220, TWENTIETH)]

    def test_equal_figures_restate_nothing_whatever_their_last_digit(self, server: sqlalchemy.URL, publish: Publish):
        publish(TENTH, figure(0.1 + 0.2), figure(None, kpi="cac"))
        publish(TWENTIETH, figure(0.3), figure(None, kpi="cac"))
        assert query(server, JOURNAL) == []

    def test_a_figure_that_vanishes_or_appears_beside_others_of_its_kind_is(
        self, server: sqlalchemy.URL, publish: Publish
    ):
        search, social = ({"dimension": "channel", "member": name} for name in ("search", "social"))
        publish(TENTH, figure(3, **search), figure(None, kpi="cac"))
        publish(TWENTIETH, figure(2, **social), figure(4.5, kpi="cac"))
        assert query(server, JOURNAL) == [
            ("cac", "2026-10", "total", "(all)", None, 4.5),
            ("new_customers", "2026-10", "channel", "search", 3, None),
            ("new_customers", "2026-10", "channel", "social", None, 2),
        ]

    def test_a_member_that_comes_or_goes_without_anything_observed_restates_nothing(
        self, server: sqlalchemy.URL, publish: Publish
    ):
        """A team that is given a target is told of from then on; that it had none of it nobody had denied."""
        one, two, three = ({"dimension": "team", "member": f"T{n}"} for n in (1, 2, 3))
        publish(TENTH, figure(9, n=9, **one), figure(0, n=0, **two))
        publish(TWENTIETH, figure(9, n=9, **one), figure(0, n=0, **three))
        assert query(server, JOURNAL) == []

    def test_a_new_kpi_a_new_dimension_and_a_period_out_of_sight_restate_nothing(
        self, server: sqlalchemy.URL, publish: Publish
    ):
        september = {"period": "2026-09", "period_start": date(2026, 9, 1), "period_end": date(2026, 10, 1)}
        publish(TENTH, figure(215), figure(190, **september))
        publish(TWENTIETH, figure(215), figure(8, kpi="visits"), figure(3, dimension="team", member="T01"))
        assert query(server, JOURNAL) == []

    def test_variants_that_do_not_count_restate_nothing(self, server: sqlalchemy.URL, publish: Publish):
        publish(TENTH, figure(215, is_official=False))
        publish(TWENTIETH, figure(221, is_official=False))
        assert query(server, JOURNAL) == []

    def test_another_variant_that_counts_restates_by_the_plan(self, server: sqlalchemy.URL, publish: Publish):
        publish(TENTH, figure(215))
        publish(TWENTIETH, figure(180, variant="first_payment"))
        told = query(server, "select old_variant, variant, causes from ads.restatements")
        assert told == [("first_order", "first_payment", "plan")]

    def test_an_older_day_that_comes_late_restates_nothing(self, server: sqlalchemy.URL, publish: Publish):
        publish(TENTH, figure(215))
        publish(TWENTIETH, figure(221))
        publish(NINETEENTH, figure(217))
        assert len(query(server, JOURNAL)) == 1

    def test_a_publication_that_is_refused_journals_nothing(self, server: sqlalchemy.URL, publish: Publish):
        def refuse(engine: sqlalchemy.Engine, staged: object) -> None:
            raise GateClosed("no")

        publish(TENTH, figure(215))
        with pytest.raises(GateClosed):
            publish(TWENTIETH, figure(221), audit=refuse)
        assert query(server, JOURNAL) == []


class TestWhy:
    def test_rows_of_the_period_are_the_cause_and_others_are_not(self, server: sqlalchemy.URL, publish: Publish):
        publish(TENTH, figure(215))
        late = [
            Sign("orders", "late_data", (date(2026, 10, 30),), 2),
            Sign("orders", "late_data", (date(2026, 10, 31),), 1),
        ]
        earlier = [
            Sign("orders", "refund", (date(2026, 9, 3),), 8),
            Sign("leads", "late_data", (date(2026, 10, 3),), 5),
        ]
        publish(TWENTIETH, figure(218), signs=[*late, *earlier])
        assert causes(server) == [("late_data", "迟到数据（订单 3 行）", "late data (Orders 3)")]

    def test_a_row_that_concerns_two_days_of_the_period_is_one_row(self, server: sqlalchemy.URL, publish: Publish):
        publish(TENTH, figure(215))
        signs = [
            Sign("orders", "late_data", (date(2026, 10, 15), date(2026, 10, 20)), 1),
            Sign("orders", "refund", (date(2026, 9, 3), date(2026, 10, 20)), 2),
            Sign("orders", "corrected_rows", (date(2026, 9, 3), date(2026, 11, 15)), 4),
        ]
        publish(TWENTIETH, figure(218), signs=signs)
        assert [row[2] for row in causes(server)] == ["late data (Orders 1); refunds (Orders 2)"]

    def test_without_rows_of_the_period_those_before_it_are(self, server: sqlalchemy.URL, publish: Publish):
        publish(TENTH, figure(215))
        publish(TWENTIETH, figure(214), signs=[Sign("orders", "late_data", (date(2026, 9, 3),), 1)])
        assert causes(server) == [("late_data", "迟到数据（订单 1 行）", "late data (Orders 1)")]

    def test_what_came_after_a_period_can_not_have_changed_it(self, server: sqlalchemy.URL, publish: Publish):
        publish(TENTH, figure(215))
        publish(TWENTIETH, figure(214), signs=[Sign("orders", "refund", (date(2026, 11, 15),), 1)])
        assert causes(server) == [("unknown", "原因不明", "unknown")]

    def test_what_figures_that_look_on_do_by_themselves_is_told_of_the_total_and_waits_for_nobody(
        self, server: sqlalchemy.URL, warehouse: Warehouse, publish: Publish
    ):
        publish(TENTH, figure(0.25), figure(0.4, dimension="channel", member="search"))
        publish(TWENTIETH, figure(0.3), figure(0.5, dimension="channel", member="search"), looks_on=True)
        assert query(server, "select causes, dimension, is_expected from ads.restatements") == [
            ("later_day", "total", True)
        ]
        assert warehouse.restatements() == []
        assert [row["is_expected"] for row in warehouse.restatements(everything=True)] == [True]

    def test_late_rows_among_it_are_to_be_signed(self, server: sqlalchemy.URL, warehouse: Warehouse, publish: Publish):
        publish(TENTH, figure(0.25), figure(0.4, dimension="channel", member="search"))
        late = [
            Sign("orders", "late_data", (date(2026, 10, 30),), 2),
            Sign("orders", "progress", (date(2026, 10, 3),), 7),
        ]
        publish(TWENTIETH, figure(0.3), figure(0.5, dimension="channel", member="search"), looks_on=True, signs=late)
        found = query(server, "select distinct causes, is_expected from ads.restatements")
        assert found == [("late_data, progress, later_day", False)]
        assert [row["members"] for row in warehouse.restatements()] == [1]

    def test_on_the_same_day_nothing_goes_on_by_itself(self, server: sqlalchemy.URL, publish: Publish):
        publish(TWENTIETH, figure(0.25))
        publish(TWENTIETH, figure(0.3), looks_on=True)
        assert [row[0] for row in causes(server)] == ["unknown"]

    def test_merged_customers_plan_and_program_are_named_together(self, server: sqlalchemy.URL, publish: Publish):
        publish(TENTH, figure(215))
        merge = [Sign("customers", "merge", (), 4)]
        publish(TWENTIETH, figure(211), signs=merge, plan_hash="another", code_version="0.2.0")
        assert causes(server) == [
            (
                "merge, plan, code",
                "客户合并或拆分（客户 4 行）；方案变更；程序版本变更",
                "customers merged or split (Customers 4); the plan changed; the program changed",
            )
        ]

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            pytest.param(
                {"definitions": {"high_value": "spend"}}, ("plan", "方案变更（definitions）"), id="what-is-measured"
            ),
            pytest.param({"targets": {"cac": 9}}, ("unknown", "原因不明"), id="only-what-it-should-be"),
            pytest.param(
                {"definitions": {"high_value": "spend"}, "timezone": "UTC", "targets": {"cac": 9}},
                ("plan", "方案变更（definitions、timezone）"),
                id="both",
            ),
        ],
    )
    def test_a_changed_plan_is_named_by_the_sections_that_measure(
        self, server: sqlalchemy.URL, publish: Publish, changed: dict[str, Any], told: tuple[str, str]
    ):
        """What a team should reach changes no figure: it is no cause of one that changed."""
        plan = {"definitions": {"high_value": "rfm"}, "timezone": "Asia/Shanghai", "targets": {"cac": 8}}
        publish(TENTH, figure(215), plan=plan)
        publish(TWENTIETH, figure(211), plan=plan | changed, plan_hash="another")
        assert [row[:2] for row in causes(server)] == [told]

    def test_a_figure_that_is_withheld_from_now_on_is_one_of_quality(self, server: sqlalchemy.URL, publish: Publish):
        publish(TENTH, figure(215))
        publish(TWENTIETH, figure(None, state="withheld"))
        assert [row[0] for row in causes(server)] == ["quality"]

    def test_the_ledger_tells_what_a_day_run_again_had_more_and_merged(self, server: sqlalchemy.URL, publish: Publish):
        publish(TWENTIETH, figure(215), ledger=[*through_the_gate(900, 890), golden(12)])
        again = [*through_the_gate(903, 893), golden(11)]
        publish(TWENTIETH, figure(217), ledger=again, signs=[Sign("orders", "changed_input")])
        assert causes(server) == [
            (
                "late_data, changed_input, merge",
                "迟到数据（订单 3 行）；来源重新提供（订单）；客户合并或拆分（客户 1 行）",
                "late data (Orders 3); an input delivered anew (Orders); customers merged or split (Customers 1)",
            )
        ]

    def test_corrections_are_counted_by_the_rows_that_were_let_in(self, server: sqlalchemy.URL, publish: Publish):
        """Of two rows that were mended one was kept back of today's delivery, the other of an older one."""
        publish(TWENTIETH, figure(215), ledger=through_the_gate(900, 890))
        publish(TWENTIETH, figure(217), ledger=through_the_gate(900, 892), signs=[Sign("orders", "corrected_rows")])
        assert [row[2] for row in causes(server)] == ["corrected rows (Orders 2)"]

    @pytest.mark.parametrize(
        ("came", "let_in", "cause"),
        [
            pytest.param(905, 890, "plan", id="all-that-came-late-was-kept-back"),
            pytest.param(905, 892, "late_data, plan", id="two-of-it-were-let-in"),
            pytest.param(880, 890, "plan", id="what-was-withdrawn-had-been-kept-back"),
            pytest.param(880, 885, "withdrawn_rows, plan", id="five-that-had-been-let-in-were-withdrawn"),
            pytest.param(900, 885, "plan", id="five-more-are-kept-back-by-another-rule"),
        ],
    )
    def test_only_rows_that_were_let_in_can_have_changed_a_figure(
        self, server: sqlalchemy.URL, publish: Publish, came: int, let_in: int, cause: str
    ):
        publish(TWENTIETH, figure(215), ledger=through_the_gate(900, 890))
        publish(TWENTIETH, figure(217), ledger=through_the_gate(came, let_in), plan_hash="another")
        assert [row[0] for row in causes(server)] == [cause]

    @pytest.mark.parametrize(
        ("ledger", "cause"),
        [
            pytest.param((905, 890, 0), "plan", id="kept-back-altogether"),
            pytest.param((905, 890, 5), "late_data, plan", id="merged-into-rows-it-may-have-replaced"),
            pytest.param((905, 895, 0), "late_data, plan", id="let-in"),
        ],
    )
    def test_a_file_that_came_late_is_a_cause_only_where_its_rows_passed_the_gate(
        self, server: sqlalchemy.URL, publish: Publish, ledger: tuple[int, int, int], cause: str
    ):
        publish(TWENTIETH, figure(215), ledger=through_the_gate(900, 890))
        late = [Sign("orders", "late_data")]
        publish(TWENTIETH, figure(217), ledger=through_the_gate(*ledger), signs=late, plan_hash="another")
        assert [row[0] for row in causes(server)] == [cause]


class TestSignature:
    def test_a_number_is_a_kpi_and_period_with_all_its_members(self, warehouse: Warehouse, publish: Publish):
        search = {"dimension": "channel", "member": "search"}
        publish(TENTH, figure(215), figure(90, **search), figure(5.5, kpi="cac", label_en="CAC"))
        publish(TWENTIETH, figure(221), figure(96, **search), figure(5.0, kpi="cac", label_en="CAC"))
        listed = [
            (row["restatement_id"], row["label_en"], row["old_value"], row["new_value"], row["members"])
            for row in warehouse.restatements()
        ]
        assert listed == [(1, "CAC", 5.5, 5.0, 0), (2, "New customers", 215, 221, 1)]

    def test_what_is_signed_is_not_listed_and_can_not_be_signed_again(
        self, server: sqlalchemy.URL, warehouse: Warehouse, publish: Publish
    ):
        publish(TENTH, figure(215), figure(90, dimension="channel", member="search"))
        publish(TWENTIETH, figure(221), figure(96, dimension="channel", member="search"))
        assert warehouse.sign_restatements([1], signed_by="S0007", note="late invoices") == [1]
        assert warehouse.restatements() == []
        assert [row["signed_by"] for row in warehouse.restatements(everything=True)] == ["S0007"]
        with pytest.raises(ConfigurationError, match="no restatement 1 waits to be signed"):
            warehouse.sign_restatements([1], signed_by="S0008")
        signed = query(server, "select distinct signed_by, note, signed_at is not null from ads.restatements")
        assert signed == [("S0007", "late invoices", True)]

    def test_where_one_number_is_wrong_none_is_signed(self, warehouse: Warehouse, publish: Publish):
        publish(TENTH, figure(215))
        publish(TWENTIETH, figure(221))
        with pytest.raises(ConfigurationError, match="no restatement 2, 9 waits"):
            warehouse.sign_restatements([9, 1, 2], signed_by="S0007")
        assert len(warehouse.restatements()) == 1

    def test_all_that_a_day_restated_is_signed_at_once(self, warehouse: Warehouse, publish: Publish):
        publish(TENTH, figure(215), figure(5.5, kpi="cac"))
        publish(NINETEENTH, figure(216), figure(5.5, kpi="cac"))
        publish(TWENTIETH, figure(221), figure(5.0, kpi="cac"))
        assert warehouse.sign_restatements([], TWENTIETH, signed_by="finance") == [2, 3]
        assert [row["new_as_of"] for row in warehouse.restatements()] == [NINETEENTH]

    def test_before_anything_was_published_there_is_none(self, warehouse: Warehouse):
        assert warehouse.restatements() == []
        with pytest.raises(ConfigurationError, match="no restatement 1"):
            warehouse.sign_restatements([1], signed_by="S0007")


class TestReaders:
    def test_readers_see_it_in_both_languages_and_change_nothing(self, server: sqlalchemy.URL, publish: Publish):
        expo = {"dimension": "channel", "member": "expo"}
        publish(TENTH, figure(215), figure(40, **expo))
        assert query(server, JOURNAL) == []
        publish(TWENTIETH, figure(221), figure(41, **expo))
        assert len(query(server, JOURNAL)) == 2
        zh = 'select "指标名称", "周期类型", "维度", "维度成员", "原数值" from ads.restatements_zh order by 5'
        assert query(server, zh) == [
            ("新客户数", "月", "渠道", "展会", 40),
            ("新客户数", "月", "总计", "全部", 215),
        ]
        for change in ("update ads.restatements set new_value = 215", "delete from ads.restatements"):
            with pytest.raises((psycopg2.errors.InsufficientPrivilege, psycopg2.errors.ReadOnlySqlTransaction)):
                query(server, change)

    def test_every_column_is_explained_in_both_languages(self, server: sqlalchemy.URL, publish: Publish):
        publish(TENTH, figure(215))
        unexplained = (
            "select attname from pg_attribute where attrelid = 'ads.restatements'::regclass and attnum > 0 "
            "and coalesce(col_description(attrelid, attnum), '') !~ '[一-龥].* · '"
        )
        assert query(server, unexplained) == []
