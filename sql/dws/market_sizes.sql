-- How much is sold in the whole market, where a benchmark called market_size says so.
-- It holds for the period it names, written as the scorecards write theirs: 2026-Q3, 2026-11.
-- grain: market_period
-- seed: S0 §1.2, §1.3; S4; F062, F085; I18
select
    b.period as market_period,                                          -- Period it holds for
    b.value as market_size,                                             -- Sales of the whole market, plan currency
    b.source,                                                           -- Who says so
    b.benchmark_row                                                     -- Row as it was delivered
from dws.benchmarks as b
where b.metric = 'market_size'
