-- How much is sold in the whole market, where a benchmark called market_size says so: of several sources the first by name.
-- It holds for the period it names, written as the scorecards write theirs: 2026-Q3, 2026-11.
-- grain: market_period
-- seed: S0 §1.2, §1.3; S4; F062, F085; I18
with ranked as (
    select
        b.period,
        b.value,
        b.source,
        b._row_id,
        row_number() over (partition by b.period order by b.source nulls last, b._row_id nulls last) as position
    from dwd.benchmarks as b
    where b.metric = 'market_size'
)
select
    r.period as market_period,                                          -- Period it holds for
    r.value as market_size,                                             -- Sales of the whole market, plan currency
    r.source,                                                           -- Who says so
    r._row_id as benchmark_row                                          -- Row as it was delivered
from ranked as r
where r.position = 1
