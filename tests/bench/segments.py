"""How long dws takes, table by table, and how much memory, for customers with ten orders each.

    python tests/bench/segments.py 100000 1000000

The tables of dwd are written as the gates would leave them; then every asset of dws is built by Dagster, as on any day.
Each size runs in a process of its own, so that the peak is its own.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb

from assets.dwd import dwd_columns
from assets.factory import asset_key
from pipeline.definitions import definitions_of
from pipeline.demo import SCALES, write_company
from pipeline.lake import Lake
from pipeline.project import Project
from quality.contract import Contract, contracts

DAY = date(2026, 11, 20)
JOB = "dws"
ORDERS_EACH = 10
DAYS = 1000
"""How far back orders go."""

# Everything is drawn by hash, so that a table is the same every time. A third of the customers buy one thing all the
# time, the others now and then; amounts are skewed as amounts are.
ROWS = {
    "customers": """
        select 'C' || i as customer_id, '客户' || i as name,
            case when draw(i, 0, 3) = 0 then 'person' else 'company' end as kind,
            '138' || lpad(i::varchar, 8, '0') as phone,
            ['上海市', '浙江省-杭州市', '广东省-深圳市', '四川省-成都市'][1 + draw(i, 1, 4)] as region,
            ['制造业', '批发和零售业', '教育'][1 + draw(i, 2, 3)] as industry,
            ['小型', '中型', '大型'][1 + draw(i, 3, 3)] as company_size,
            case when draw(i, 0, 3) = 0 then 1960 + draw(i, 4, 45) end as birth_year, '设备' as demand_tag,
            ['search', 'expo', 'social'][1 + draw(i, 5, 3)] as source_channel,
            ['A', 'B', 'C'][1 + draw(i, 6, 3)] as grade,
            'E' || draw(i, 7, 100) as owner_id,
            $day::timestamptz - to_days((30 + draw(i, 8, $days))::integer) as created_at
        from range($customers) as t(i)""",
    "orders": """
        select 'O' || i as order_id, 'C' || draw(i, 1, $customers) as customer_id,
            case when i % 40 = 0 then 'refund' else 'sale' end as kind,
            case when i % 40 = 0 then 'O' || (i + 1) end as refund_of,
            $day::timestamptz - to_hours((draw(draw(i, 1, $customers), 9, 24) * draw(i, 2, $days))::integer)
                as ordered_at,
            (100 + exp(4 + 4 * (draw(i, 3, 1000)) / 1000.0))::decimal(18, 2) as amount,
            (60 + exp(3 + 4 * (draw(i, 3, 1000)) / 1000.0))::decimal(18, 2) as cost_amount, 'CNY' as currency,
            'E' || draw(i, 4, 100) as staff_id,
            ['节能套装', '照明', '空调', '维保'][1 + draw(i, 1, 3) * draw(i, 5, 4) % 4] as product,
            ['设备', '服务'][1 + draw(i, 6, 2)] as category,
            (ordered_at + to_days((draw(i, 7, 60))::integer))::date as paid_on, ordered_at as recorded_at
        from range($orders) as t(i)""",
    "interactions": """
        select 'I' || i as interaction_id, 'C' || draw(i, 11, $customers) as customer_id,
            'E' || draw(i, 12, 100) as staff_id,
            ['call', 'visit', 'login', 'complaint', 'email_open', 'site_visit'][1 + draw(i, 13, 6)] as kind,
            'search' as channel, $day::timestamptz - to_hours((draw(i, 14, $days * 24))::integer) as occurred_at,
            case when draw(i, 15, 2) = 0 then occurred_at + interval 3 hour end as answered_at, '已接通' as outcome,
            occurred_at as recorded_at
        from range($interactions) as t(i)""",
    "answers": """
        select 'Q' || i as answer_id, 'R' || i as response_id, 'V1' as survey_id,
            case when i % 2 = 0 then 'csat' else 'nps' end as kind, 'overall' as item,
            case when i % 2 = 0 then 1 + draw(i, 21, 5) else draw(i, 21, 11) end::double as score,
            (1 - i % 2)::double as scale_min, (5 + 5 * (i % 2))::double as scale_max,
            'customer' as respondent_kind, 'C' || draw(i, 22, $customers) as respondent_id,
            $day::timestamptz - to_hours((draw(i, 23, $days * 24))::integer) as answered_at,
            answered_at as recorded_at
        from range($customers // 2) as t(i)""",
    "leads": """
        select 'L' || i as lead_id, 'C' || draw(i, 31, $customers) as customer_id, 'search' as channel,
            'E' || draw(i, 32, 100) as owner_id,
            $day::timestamptz - to_hours((draw(i, 33, $days * 24))::integer) as created_at
        from range($leads) as t(i)""",
    "staff": """
        select 'E' || i as staff_id, '员工' || i as name, 'T' || i % 10 as team_id, '华东' as region,
            $day - $days::integer as joined_on, 500::decimal(18, 2) as daily_cost_amount, 'CNY' as currency
        from range(100) as t(i)""",
}
EVENT_DAY = "({event} at time zone 'Asia/Shanghai')::date as {day}"


def main(customers: int) -> None:
    """Write dwd, build dws, and say how long each table took."""
    with tempfile.TemporaryDirectory(prefix="tuoke-bench-") as folder:
        project = company(Path(folder) / "company", customers, leads=customers // 2, interactions=2 * customers)
        started = time.perf_counter()
        steps = built(project)
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    told = ", ".join(f"{name.removeprefix('dws__')} {spent:.1f}" for name, spent in _longest(steps))
    sys.stdout.write(f"{customers:>9,} customers: dws {seconds:6.1f} s, {peak:.2f} GiB at most ({told})\n")


def company(root: Path, customers: int, *, leads: int, interactions: int) -> Project:
    """A company of that size, as the gates would leave it."""
    write_company(root, scale=SCALES["S"], as_of=DAY)
    shutil.rmtree(root / "landing")
    project = Project.read(root)
    sizes = {"customers": customers, "orders": customers * ORDERS_EACH, "leads": leads, "interactions": interactions}
    write_dwd(Lake(project.lake), sizes)
    return project


def built(project: Project, tables: Iterable[str] = ()) -> dict[str, float]:
    """Build these tables of dws and what they are made of there, or all; returns the seconds of each."""
    selection = dg.AssetSelection.groups("dws")
    if tables:
        selection &= dg.AssetSelection.assets(*[asset_key(name) for name in tables]).upstream()
    selected = dg.Definitions(jobs=[dg.define_asset_job(JOB, selection=selection)])
    run = (
        dg.Definitions.merge(definitions_of(project), selected)
        .resolve_job_def(JOB)
        .execute_in_process(
            partition_key=DAY.isoformat(),
            instance=dg.DagsterInstance.ephemeral(),
            run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        )
    )
    return {
        event.step_key: event.event_specific_data.duration_ms / 1000
        for event in run.all_events
        if event.event_type_value == "STEP_SUCCESS"
    }


def write_dwd(lake: Lake, sizes: Mapping[str, int]) -> None:
    """The tables of dwd for the day, nothing wrong with any of them; those nobody wrote rows for are empty."""
    values = {"day": DAY, "days": DAYS, **sizes}
    with duckdb.connect() as engine:
        engine.execute("set timezone = 'Asia/Shanghai'")
        engine.execute("create macro draw(i, salt, n) as (hash(i, salt) % n::ubigint)::bigint")
        for table, contract in contracts().items():
            columns = dwd_columns(contract)
            if table in ROWS:
                query = _bound(ROWS[table], values)
                given = [name for name, *_ in engine.execute(f"select * from ({query}) limit 0").description]
            else:
                query, given = "select 1 where false", []
            cells = [_cell(name, kind, contract, given) for name, (kind, _) in columns.items()]
            for name in {f"dwd.{table}", contract.gated}:
                with lake.write(name, DAY) as file:
                    engine.execute(
                        f"copy (select {', '.join(cells)} from ({query}) order by all) to '{file}' (format parquet)"
                    )
        with lake.write("dq.source_states", DAY) as file:
            states = ", ".join(f"('{table}', 'final', null::varchar, null::varchar)" for table in contracts())
            engine.execute(
                f"copy (select * from (values {states}) as s(table_name, state, reason, reason_zh))"
                f" to '{file}' (format parquet)"
            )
        with lake.write("dwd.customer_links", DAY) as file:
            engine.execute(
                f"copy (select 'C' || i as source_customer_id, 'C' || i as customer_id, 'own' as rule_id,"
                f" 1.0::double as probability, 1::bigint as cluster_size, 'C' || i as _row_id"
                f" from range({sizes['customers']}) as t(i)) to '{file}' (format parquet)"
            )


def _cell(name: str, kind: str, contract: Contract, given: list[str]) -> str:
    """A column of the table: as it was drawn, the day of the event, or nothing."""
    if name in given:
        return f"{name}::{kind} as {name}"
    if name == contract.event_day:
        return EVENT_DAY.format(event=contract.event, day=name) if contract.event in given else f"null::date as {name}"
    return f"{'false' if kind == 'boolean' else 'null'}::{kind} as {name}"


def _bound(query: str, values: dict[str, object]) -> str:
    for name in sorted(values, key=len, reverse=True):
        value = values[name]
        query = query.replace(f"${name}", f"date '{value}'" if isinstance(value, date) else str(value))
    return query


def _longest(steps: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(steps.items(), key=lambda step: -step[1])[:8]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        main(int(sys.argv[2]))
    else:
        for size in sys.argv[1:]:
            subprocess.run([sys.executable, __file__, "--one", size], check=True)
