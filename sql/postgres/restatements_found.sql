-- The official figures that the staged publication tells otherwise than the earlier one: of the same day all, of
-- an earlier day those whose period was over before it. Only what both tell of is compared, KPI by dimension and period:
-- a KPI that is new, or a period that has moved out of sight, restates nothing. Sums of doubles may differ in the last digit.
create temporary table restated on commit drop as
with before as not materialized (
    select
        v.kpi,
        v.variant,
        v.period_kind,
        v.period,
        v.period_start,
        v.period_end,
        v.dimension,
        v.member,
        v.label_zh,
        v.label_en,
        v.unit,
        v.value,
        v.n,
        v.state
    from ads.kpi_values as v
    where v.as_of = %(earlier)s and v.is_official and (%(earlier)s = %(as_of)s or v.period_end <= %(earlier)s)
),
today as not materialized (
    select
        v.kpi,
        v.variant,
        v.period_kind,
        v.period,
        v.period_start,
        v.period_end,
        v.dimension,
        v.member,
        v.label_zh,
        v.label_en,
        v.unit,
        v.value,
        v.n,
        v.state
    from stage.ads__kpi_values as v
    where v.is_official and (%(earlier)s = %(as_of)s or v.period_end <= %(earlier)s)
),
figures as (
    select b.kpi, b.dimension from before as b
    intersect
    select t.kpi, t.dimension from today as t
),
periods as (
    select b.period_kind, b.period from before as b
    intersect
    select t.period_kind, t.period from today as t
),
compared as (
    select
        kpi,
        period_kind,
        period,
        dimension,
        member,
        coalesce(t.variant, b.variant) as variant,
        coalesce(b.variant, t.variant) as old_variant,
        coalesce(t.period_start, b.period_start) as period_start,
        coalesce(t.period_end, b.period_end) as period_end,
        coalesce(t.label_zh, b.label_zh) as label_zh,
        coalesce(t.label_en, b.label_en) as label_en,
        coalesce(t.unit, b.unit) as unit,
        b.value as old_value,
        t.value as new_value,
        b.state as old_state,
        t.state as new_state,
        -- what is withheld because nothing is recorded of it has 0 observations, and is no matter of quality
        coalesce(
            (b.state = 'withheld' and b.n is null) <> (t.state = 'withheld' and t.n is null), false
        ) as is_quality
    from before as b
    full join today as t using (kpi, period_kind, period, dimension, member)
    where
        b.value is distinct from t.value
        and coalesce(abs(t.value - b.value) > 1e-9 * greatest(abs(t.value), abs(b.value)), true)
        -- a member of whom only one tells, and that nothing was observed, is told the same by the other's silence
        and (b.state is not null or t.n is distinct from 0)
        and (t.state is not null or b.n is distinct from 0)
)
select c.*
from compared as c
where
    (c.kpi, c.dimension) in (select f.kpi, f.dimension from figures as f)
    and (c.period_kind, c.period) in (select p.period_kind, p.period from periods as p)
