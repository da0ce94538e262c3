-- The funnel in one row for a period and member: every stage beside the next, and where most are lost.
-- The drop node is the stage at which the largest part of those who reached it was given up; of equal losses the earlier.
-- Leads still being worked on are not lost: how many of them wait there is told beside it.
-- grain: period_kind, period, dimension, member
-- seed: S0 §5.3, §6.1; S3 二(三)2; F082, U16; X10
with steps as (
    select
        f.*,
        lead(f.stage_zh) over (partition by f.period_kind, f.period, f.dimension, f.member order by f.stage_order nulls last)
            as next_zh,
        lead(f.stage_en) over (partition by f.period_kind, f.period, f.dimension, f.member order by f.stage_order nulls last)
            as next_en,
        cast(f.dropped as double) / nullif(cast(f.leads as double), 0) as dropped_rate
    from ads.funnel as f
),
marked as (
    select
        s.*,
        s.dropped > 0
        and row_number() over (
            partition by s.period_kind, s.period, s.dimension, s.member
            order by s.dropped_rate desc nulls last, s.stage_order nulls last
        ) = 1 as is_drop
    from steps as s
)
select
    m.period_kind,                                                      -- campaign, baseline, quarter or month
    m.period,                                                           -- Period: 2026-11, 2026-Q4, campaign or baseline
    m.period_start,                                                     -- First day of the period
    m.period_end,                                                       -- The day after its last one; a running period ends with the day
    m.dimension,                                                        -- total, channel, team or grade
    m.member,                                                           -- Which one; (all) of the total, (unknown) where the lead has none
    max(case when m.stage = 'created' then m.leads end) as created_leads, -- Leads entered in the period
    max(case when m.stage = 'assigned' then m.leads end) as assigned_leads, -- Leads that got an owner
    max(case when m.stage = 'touched' then m.leads end) as touched_leads, -- Leads that were reached
    max(case when m.stage = 'qualified' then m.leads end) as qualified_leads, -- Leads found valid by sales
    max(case when m.stage = 'met' then m.leads end) as met_leads,       -- Leads with a meeting
    max(case when m.stage = 'proposed' then m.leads end) as proposed_leads, -- Leads with an offer
    max(case when m.stage = 'won' then m.leads end) as won_leads,       -- Leads that were signed
    max(case when m.stage = 'assigned' then m.of_start_rate end) as assigned_of_start_rate, -- Part of all leads that got an owner, 0-1
    max(case when m.stage = 'touched' then m.of_start_rate end) as touched_of_start_rate, -- Part of all leads that were reached, 0-1
    max(case when m.stage = 'qualified' then m.of_start_rate end) as qualified_of_start_rate, -- Part of all leads found valid by sales, 0-1
    max(case when m.stage = 'met' then m.of_start_rate end) as met_of_start_rate, -- Part of all leads with a meeting, 0-1
    max(case when m.stage = 'proposed' then m.of_start_rate end) as proposed_of_start_rate, -- Part of all leads with an offer, 0-1
    max(case when m.stage = 'won' then m.of_start_rate end) as won_of_start_rate, -- Part of all leads that were signed, 0-1
    max(case when m.stage = 'assigned' then m.of_previous_rate end) as assigned_of_previous_rate, -- Part of the leads entered that got an owner, 0-1
    max(case when m.stage = 'touched' then m.of_previous_rate end) as touched_of_previous_rate, -- Part of those with an owner that were reached, 0-1; NULL where none had one
    max(case when m.stage = 'qualified' then m.of_previous_rate end) as qualified_of_previous_rate, -- Part of those reached that were found valid, 0-1; NULL where none was reached
    max(case when m.stage = 'met' then m.of_previous_rate end) as met_of_previous_rate, -- Part of those found valid that were met, 0-1; NULL where none was found valid
    max(case when m.stage = 'proposed' then m.of_previous_rate end) as proposed_of_previous_rate, -- Part of those met that got an offer, 0-1; NULL where none was met
    max(case when m.stage = 'won' then m.of_previous_rate end) as won_of_previous_rate, -- Part of those with an offer that were signed, 0-1; NULL where there was none
    max(case when m.is_drop then m.stage end) as drop_node,             -- Stage at which the largest part of those who reached it was given up; NULL where nobody was
    max(case when m.is_drop then m.stage_zh || ' → ' || m.next_zh end) as drop_zh, -- The step they did not take, in Chinese
    max(case when m.is_drop then m.stage_en || ' → ' || m.next_en end) as drop_en, -- The step they did not take, in English
    max(case when m.is_drop then m.dropped_rate end) as drop_rate,      -- Given up there / leads that reached the stage, 0-1; those waiting are not lost
    max(case when m.is_drop then m.dropped end) as drop_leads,          -- Leads given up there, without those waiting
    max(case when m.is_drop then m.waiting end) as drop_waiting_leads,  -- Leads still waiting there: neither further nor given up
    m.state,                                                            -- final, provisional or withheld, as the leads
    m.reason,                                                           -- Why it is not final; NULL when there is nothing to say
    m.reason_zh                                                         -- The same in Chinese
from marked as m
group by m.period_kind, m.period, m.period_start, m.period_end, m.dimension, m.member, m.state, m.reason, m.reason_zh
