-- Journal what was restated, with what differs between the two publications and can have changed it. Of what differs
-- in the tables a figure is made of, the period's own days tell most; else the days before it, which growth looks back
-- to. Figures that say what has become of customers since go on with every day: of what is only that, the total alone.
with signs as (
    select s.*
    from json_to_recordset(%(signs)s) as s (table_name text, cause text, days date[], rows_moved bigint)
),
tables as (
    select t.*
    from json_to_recordset(%(tables)s) as t (table_name text, table_zh text, table_en text)
),
words as (
    select w.*
    from (values
        (1, 'late_data', '迟到数据', 'late data'),
        (2, 'corrected_rows', '更正数据', 'corrected rows'),
        (3, 'withdrawn_rows', '撤回数据', 'rows withdrawn'),
        (4, 'changed_input', '来源重新提供', 'an input delivered anew'),
        (5, 'refund', '退款', 'refunds'),
        (6, 'merge', '客户合并或拆分', 'customers merged or split'),
        (7, 'progress', '期后进展', 'progress since'),
        (8, 'later_day', '评估日期较晚，含期后变化', 'judged as of a later day, with what came since'),
        (9, 'source_added', '新增来源', 'a source added'),
        (10, 'source_withdrawn', '来源停供', 'a source withdrawn'),
        (11, 'erasure', '个人信息删除', 'personal data erased'),
        (12, 'quality', '数据质量达标情况变化', 'data quality passed or failed its floor'),
        (13, 'plan', '方案变更' || %(plan_told_zh)s, 'the plan changed' || %(plan_told_en)s),
        (14, 'code', '程序版本变更', 'the program changed'),
        (15, 'unknown', '原因不明', 'unknown')
    ) as w (position, cause, zh, en)
),
made_of as (
    select m.*
    from json_to_recordset(%(made_of)s) as m (kpi text, variant text, table_name text, looks_on boolean)
),
scopes as (
    select
        m.kpi,
        m.variant,
        string_agg(m.table_name, ' ' order by m.table_name) as table_names,
        bool_or(m.looks_on) as looks_on
    from made_of as m
    group by m.kpi, m.variant
),
-- many figures have the same reasons: they are told once
cases as (
    select distinct
        r.kpi,
        r.variant,
        r.variant <> r.old_variant as is_other_variant,
        r.is_quality,
        r.period_start,
        r.period_end,
        s.table_names,
        s.looks_on
    from restated as r
    left join scopes as s on s.kpi = r.kpi and s.variant = r.variant
),
near as (
    select
        a.table_names,
        a.period_start,
        a.period_end,
        s.table_name,
        s.cause,
        case when s.days = '{}' or d.latest >= a.period_start then 1 else 2 end as distance,
        -- a row that concerns several days of the period is one row
        sum(s.rows_moved) as rows_moved
    from (select distinct c.table_names, c.period_start, c.period_end from cases as c) as a
    inner join signs as s
        on s.table_name is null or s.table_name = any(string_to_array(a.table_names, ' '))
    cross join lateral (
        select max(u.day) filter (where u.day < a.period_end) as latest from unnest(s.days) as u (day)
    ) as d
    where s.days = '{}' or d.latest is not null
    group by 1, 2, 3, 4, 5, 6
),
nearest as (
    select n.*, min(n.distance) over (partition by n.table_names, n.period_start, n.period_end) as least
    from near as n
),
found as (
    select c.*, n.cause, n.table_name, n.rows_moved
    from cases as c
    inner join nearest as n
        on n.table_names = c.table_names
        and n.period_start = c.period_start
        and n.period_end = c.period_end
        and n.distance = n.least
    union all
    select c.*, o.cause, null, null
    from cases as c
    cross join lateral (values
        ('later_day', c.looks_on and %(earlier)s < %(as_of)s),
        ('quality', c.is_quality),
        ('plan', %(is_plan_changed)s or c.is_other_variant),
        ('code', %(is_code_changed)s)
    ) as o (cause, is_so)
    where o.is_so
),
told as (
    select
        f.kpi,
        f.is_other_variant,
        f.is_quality,
        f.period_start,
        f.period_end,
        w.position,
        w.cause,
        w.zh || coalesce('（' || string_agg(
            t.table_zh || coalesce(' ' || f.rows_moved || ' 行', ''), '、' order by t.table_name
        ) || '）', '') as zh,
        w.en || coalesce(' (' || string_agg(
            t.table_en || coalesce(' ' || f.rows_moved, ''), ', ' order by t.table_name
        ) || ')', '') as en
    from found as f
    inner join words as w on w.cause = f.cause
    left join tables as t on t.table_name = f.table_name
    group by f.kpi, f.is_other_variant, f.is_quality, f.period_start, f.period_end, w.position, w.cause, w.zh, w.en
),
reasons as (
    select
        t.kpi,
        t.is_other_variant,
        t.is_quality,
        t.period_start,
        t.period_end,
        string_agg(t.cause, ', ' order by t.position) as causes,
        string_agg(t.zh, '；' order by t.position) as reason_zh,
        string_agg(t.en, '; ' order by t.position) as reason_en,
        bool_and(t.cause in ('progress', 'later_day')) as is_expected
    from told as t
    group by t.kpi, t.is_other_variant, t.is_quality, t.period_start, t.period_end
)
insert into ads.restatements (
    restatement_id, kpi, variant, old_variant, period_kind, period, period_start, period_end, dimension, member,
    label_zh, label_en, unit, old_value, new_value, difference, difference_rate, old_state, new_state,
    old_as_of, new_as_of, old_run_id, new_run_id, is_rerun, causes, reason_zh, reason_en, is_expected
)
select
    (select coalesce(max(j.restatement_id), 0) from ads.restatements as j)
    + dense_rank() over (order by r.period_start, r.period_end, r.period_kind, r.period, r.kpi),
    r.kpi,
    r.variant,
    r.old_variant,
    r.period_kind,
    r.period,
    r.period_start,
    r.period_end,
    r.dimension,
    r.member,
    r.label_zh,
    r.label_en,
    r.unit,
    r.old_value,
    r.new_value,
    r.new_value - r.old_value,
    (r.new_value - r.old_value) / nullif(abs(r.old_value), 0),
    r.old_state,
    r.new_state,
    %(earlier)s,
    %(as_of)s,
    %(old_run_id)s,
    %(run_id)s,
    %(earlier)s = %(as_of)s,
    coalesce(t.causes, w.cause),
    coalesce(t.reason_zh, w.zh),
    coalesce(t.reason_en, w.en),
    coalesce(t.is_expected, false)
from restated as r
left join reasons as t
    on t.kpi = r.kpi
    and t.is_other_variant = (r.variant <> r.old_variant)
    and t.is_quality = r.is_quality
    and t.period_start = r.period_start
    and t.period_end = r.period_end
cross join words as w
where w.cause = 'unknown' and (r.dimension = 'total' or not coalesce(t.is_expected, false))
order by 1, r.dimension, r.member
