-- The campaign's last word: the official figures of its closing snapshot, as they were frozen.
-- What is in braces are columns of ads.kpi_values, in the words of its Chinese view. Made with the first figures. Safe to
-- repeat.
drop view if exists ads.closing_scorecard_zh;
drop view if exists ads.closing_scorecard;

create view ads.closing_scorecard as
with closings as (
    select distinct on (p.as_of) p.as_of, p.published_at, p.plan_hash
    from meta.publications as p
    where p.is_closing and jsonb_exists(p.row_counts, 'ads.kpi_values')
    order by p.as_of, p.published_at desc
)
select
    c.as_of,
    c.published_at,
    v.kpi,
    v.variant,
    v.label_zh,
    v.label_en,
    v.period_start,
    v.period_end,
    v.dimension,
    v.member,
    v.value,
    v.lower,
    v.upper,
    v.target,
    v.attainment_rate,
    v.score,
    v.state,
    v.reason,
    v.reason_zh,
    v.unit,
    v.better,
    exists (
        select
        from ads.restatements as r
        where
            r.is_rerun
            and r.new_as_of = c.as_of
            and r.kpi = v.kpi
            and r.period_kind = v.period_kind
            and r.dimension = v.dimension
            and r.member = v.member
    ) as is_restated,
    c.plan_hash
from closings as c
inner join ads.kpi_values as v on v.as_of = c.as_of
where v.is_official and v.period_kind = 'campaign';

create view ads.closing_scorecard_zh as
select
    t.as_of as "结项日期",
    t.published_at as "发布时间",
    t.label_zh as "指标名称",
    t.kpi as "指标",
    t.variant as "口径",
    t.period_start as "周期开始",
    t.period_end as "周期结束",
    {dimension} as "维度",
    {member} as "维度成员",
    t.value as "数值",
    t.lower as "区间下限",
    t.upper as "区间上限",
    t.target as "目标值",
    t.attainment_rate as "达成率",
    t.score as "得分",
    {state} as "数据状态",
    coalesce(t.reason_zh, t.reason) as "原因",
    {unit} as "单位",
    {better} as "优劣方向",
    t.is_restated as "是否重述",
    t.plan_hash as "方案指纹"
from ads.closing_scorecard as t;

comment on column ads.closing_scorecard.as_of is '结项日期 · Day of the closing snapshot';
comment on column ads.closing_scorecard.published_at is '发布时间 · When it was published';
comment on column ads.closing_scorecard.kpi is '指标 · KPI';
comment on column ads.closing_scorecard.variant is '口径 · Variant that counted';
comment on column ads.closing_scorecard.label_zh is '指标名称 · Name in Chinese';
comment on column ads.closing_scorecard.label_en is '指标名称（英文） · Name in English';
comment on column ads.closing_scorecard.period_start is '周期开始 · First day of the campaign';
comment on column ads.closing_scorecard.period_end is '周期结束 · First day after it';
comment on column ads.closing_scorecard.dimension is '维度 · Dimension';
comment on column ads.closing_scorecard.member is '维度成员 · Member of the dimension';
comment on column ads.closing_scorecard.value is '数值 · Value; NULL with a reason';
comment on column ads.closing_scorecard.lower is '区间下限 · Lower end of the 95 % interval';
comment on column ads.closing_scorecard.upper is '区间上限 · Upper end of the 95 % interval';
comment on column ads.closing_scorecard.target is '目标值 · Target';
comment on column ads.closing_scorecard.attainment_rate is '达成率 · Value / target';
comment on column ads.closing_scorecard.score is '得分 · 0 at the floor, 100 at the target';
comment on column ads.closing_scorecard.state is '数据状态 · final, provisional or withheld';
comment on column ads.closing_scorecard.reason is '原因 · Why it is not final, has no value or no score';
comment on column ads.closing_scorecard.reason_zh is '原因（中文） · The same in Chinese; NULL on days published before it was told';
comment on column ads.closing_scorecard.unit is '单位 · count, currency, rate, ratio, score, hours or days';
comment on column ads.closing_scorecard.better is '优劣方向 · higher or lower';
comment on column ads.closing_scorecard.is_restated is '是否重述 · Whether the snapshot was replaced on demand and told this figure otherwise before: see ads.restatements';
comment on column ads.closing_scorecard.plan_hash is '方案指纹 · Hash of the plan';

revoke all on ads.closing_scorecard, ads.closing_scorecard_zh from public, tuoke_reader;
grant select on ads.closing_scorecard, ads.closing_scorecard_zh to tuoke_reader;
