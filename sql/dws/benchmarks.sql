-- What others reach, by indicator and the time it holds for: of several sources the first by name.
-- grain: metric, period
-- seed: S0 §1.2, §1.3, §5, §5.2; S4; F062, F085; I18, I65
with ranked as (
    select
        b.metric,
        b.period,
        b.value,
        b.source,
        b._row_id,
        row_number() over (partition by b.metric, b.period order by b.source nulls last, b._row_id nulls last) as position
    from dwd.benchmarks as b
)
select
    r.metric,                                                           -- Indicator, by its name in the catalogue where it is there
    r.period,                                                           -- Time it holds for, as its source writes it
    r.value,                                                            -- Value in the unit the indicator has here
    r.source,                                                           -- Who says so
    r._row_id as benchmark_row                                          -- Row as it was delivered
from ranked as r
where r.position = 1
