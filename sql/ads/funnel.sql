-- How many of the leads of a period got how far, in all and by channel, team and grade of quality.
-- Leads belong to the period they were entered in. At every stage those who reached it are those who reached the next
-- one, those given up here, and those still waiting here. Where the leads are below their floor nothing is counted.
-- grain: period_kind, period, dimension, member, stage
-- seed: S0 §5.3, §6.1; S3 二(三)2; F082, F087; X10
with stages as (
    select
        v.stage,
        v.stage_order,
        v.stage_zh,
        v.stage_en
    from (
        values
            ('created', 1, '新增线索', 'Created'),
            ('assigned', 2, '已分配', 'Assigned'),
            ('touched', 3, '已触达', 'Touched'),
            ('qualified', 4, '确认有效', 'Qualified'),
            ('met', 5, '已见面', 'Met'),
            ('proposed', 6, '已出方案', 'Proposed'),
            ('won', 7, '已签约', 'Won')
    ) as v(stage, stage_order, stage_zh, stage_en)
),
leads as (
    select
        p.period_kind,
        p.period,
        p.period_start,
        p.period_end,
        coalesce(l.channel, '(unknown)') as channel,
        coalesce(l.team_id, '(unknown)') as team_id,
        coalesce(g.grade, '(unknown)') as grade,
        s.stage_order,
        l.is_lost
    from dws.lead_journey as l
    inner join dws.lead_grades as g on g.lead_id = l.lead_id
    inner join plan.periods as p on l.created_on >= p.period_start and l.created_on < p.period_end
    inner join stages as s on s.stage = l.last_stage
    where p.period_kind in ('month', 'quarter', 'campaign', 'baseline')
),
ended as (
    select
        l.period_kind,
        l.period,
        l.period_start,
        l.period_end,
        l.channel,
        l.team_id,
        l.grade,
        l.stage_order,
        count(*) as leads,
        count(*) filter (where l.is_lost) as dropped
    from leads as l
    group by grouping sets (
        (l.period_kind, l.period, l.period_start, l.period_end, l.stage_order),
        (l.period_kind, l.period, l.period_start, l.period_end, l.stage_order, l.channel),
        (l.period_kind, l.period, l.period_start, l.period_end, l.stage_order, l.team_id),
        (l.period_kind, l.period, l.period_start, l.period_end, l.stage_order, l.grade)
    )
),
named as (
    select
        e.period_kind,
        e.period,
        e.period_start,
        e.period_end,
        case
            when e.channel is not null then 'channel'
            when e.team_id is not null then 'team'
            when e.grade is not null then 'grade'
            else 'total'
        end as dimension,
        coalesce(e.channel, e.team_id, e.grade, '(all)') as member,
        e.stage_order,
        e.leads,
        e.dropped
    from ended as e
),
reached as (
    select
        n.period_kind,
        n.period,
        n.period_start,
        n.period_end,
        n.dimension,
        n.member,
        s.stage_order,
        sum(n.leads) as of_start,
        sum(n.leads) filter (where n.stage_order >= s.stage_order - 1) as of_previous,
        sum(n.leads) filter (where n.stage_order >= s.stage_order) as leads,
        sum(n.leads) filter (where n.stage_order = s.stage_order) as ended_here,
        sum(n.dropped) filter (where n.stage_order = s.stage_order) as dropped
    from named as n
    cross join stages as s
    group by n.period_kind, n.period, n.period_start, n.period_end, n.dimension, n.member, s.stage_order
),
sources as (
    select
        coalesce(max(case when s.table_name = 'leads' then s.state end), 'final') as lead_state,
        'leads: ' || max(case when s.table_name = 'leads' then s.reason end) as lead_reason,
        '线索：' || max(case when s.table_name = 'leads' then s.reason_zh end) as lead_reason_zh
    from dq.source_states as s
)
select
    r.period_kind,                                                      -- campaign, baseline, quarter or month
    r.period,                                                           -- Period: 2026-11, 2026-Q4, campaign or baseline
    r.period_start,                                                     -- First day of the period
    r.period_end,                                                       -- The day after its last one; a running period ends with the day
    r.dimension,                                                        -- total, channel, team or grade
    r.member,                                                           -- Which one; (all) of the total, (unknown) where the lead has none
    s.stage,                                                            -- created, assigned, touched, qualified, met, proposed or won
    s.stage_order,                                                      -- Place of the stage, 1 to 7
    s.stage_zh,                                                         -- Stage in Chinese
    s.stage_en,                                                         -- Stage in English
    case when q.lead_state <> 'withheld' then cast(coalesce(r.leads, 0) as bigint) end as leads, -- Leads that reached the stage
    case
        when q.lead_state <> 'withheld' then cast(coalesce(r.leads, 0) as double) / cast(r.of_start as double)
    end as of_start_rate,                                               -- Of the leads of the period, how many reached it, 0-1
    case
        when s.stage_order > 1 and q.lead_state <> 'withheld'
        then cast(coalesce(r.leads, 0) as double) / nullif(cast(coalesce(r.of_previous, 0) as double), 0)
    end as of_previous_rate,                                            -- Of those who reached the stage before, how many reached it, 0-1; NULL of the first, and where nobody reached the one before
    case when q.lead_state <> 'withheld' then cast(coalesce(r.dropped, 0) as bigint) end as dropped, -- Leads given up at this stage
    case
        when q.lead_state <> 'withheld'
        then cast(case when s.stage = 'won' then 0 else coalesce(r.ended_here, 0) - coalesce(r.dropped, 0) end as bigint)
    end as waiting,                                                     -- Leads neither further nor given up: still to be worked on
    q.lead_state as state,                                              -- final, provisional or withheld, as the leads
    q.lead_reason as reason,                                            -- Why it is not final; NULL when there is nothing to say
    q.lead_reason_zh as reason_zh                                       -- The same in Chinese
from reached as r
inner join stages as s on s.stage_order = r.stage_order
cross join sources as q
