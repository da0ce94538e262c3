-- Every campaign activity: whom it was for, what it cost, whom it won, what it earned, who came, and what to do next.
-- Whoever it was for are its leads; what it earned are the orders of these leads, refunds taken off, to this day. Who
-- came are the different customers and leads in a webinar, live stream, expo, trial, site visit or consultation of it.
-- grain: campaign_id
-- seed: S3 三(三); S0 §2; F077, F094, F189; G4; U11
with results as (
    select
        l.campaign_id,
        count(*) as targets,
        count(*) filter (where l.is_won) as conversions
    from dws.lead_journey as l
    where l.campaign_id is not null
    group by l.campaign_id
),
earned as (
    select
        l.campaign_id,
        sum(s.net_amount) as output_amount
    from dws.sales as s
    inner join dws.lead_journey as l on l.lead_id = s.lead_id
    where l.campaign_id is not null
    group by l.campaign_id
),
spent as (
    select
        c.campaign_id,
        sum(c.amount) as input_amount
    from dws.costs as c
    where c.campaign_id is not null
    group by c.campaign_id
),
came as (
    select
        t.campaign_id,
        count(distinct coalesce(t.customer_id, t.lead_id)) as participants
    from dws.touches as t
    where t.campaign_id is not null and t.kind in ('webinar', 'live', 'expo', 'trial', 'site_visit', 'consultation')
    group by t.campaign_id
),
measured as (
    select
        a.campaign_id,
        a.name,
        a.kind,
        a.channel,
        a.segment,
        a.owner_id,
        a.starts_on,
        a.ends_on,
        a.expected_participants,
        case
            when a.starts_on > $as_of then 'planned'
            when a.ends_on < $as_of then 'ended'
            else 'running'
        end as activity_state,
        coalesce(r.targets, 0) as targets,
        coalesce(r.conversions, 0) as conversions,
        s.input_amount,
        cast(coalesce(e.output_amount, 0) as decimal(18, 2)) as output_amount,
        coalesce(g.participants, 0) as participants,
        cast(r.conversions as double) / nullif(cast(r.targets as double), 0) as conversion_rate,
        cast(coalesce(e.output_amount, 0) as double) / nullif(cast(s.input_amount as double), 0) as io_ratio,
        cast(coalesce(g.participants, 0) as double) / nullif(cast(a.expected_participants as double), 0)
            as participation_rate
    from dwd.campaigns as a
    left join results as r on r.campaign_id = a.campaign_id
    left join earned as e on e.campaign_id = a.campaign_id
    left join spent as s on s.campaign_id = a.campaign_id
    left join came as g on g.campaign_id = a.campaign_id
),
advised as (
    select
        m.*,
        case
            when m.activity_state = 'planned' then 'not_begun'
            when m.input_amount is null then 'no_cost'
            when m.activity_state = 'ended' and m.conversions = 0 then 'won_nobody'
            when m.activity_state = 'running' then 'running'
            when m.io_ratio < p.output_least then 'below_cost'
            when m.participation_rate < p.participation_least then 'few_came'
            else 'keep'
        end as advice_id
    from measured as m
    cross join plan.activity_limits as p
)
select
    a.campaign_id,                                                      -- Campaign activity
    a.name as campaign_name,                                            -- What it is called
    a.kind as campaign_kind,                                            -- Kind of activity
    a.channel,                                                          -- Channel
    a.segment,                                                          -- Whom it is for
    a.owner_id,                                                         -- Member of staff who answers for it
    a.starts_on,                                                        -- First day
    a.ends_on,                                                          -- Last day; NULL while it has no end
    a.activity_state,                                                   -- planned, running or ended
    a.input_amount,                                                     -- What it cost; NULL where nothing is booked for it, which is not 0
    a.targets,                                                          -- Leads it brought
    a.conversions,                                                      -- Leads of these that were won
    a.conversion_rate,                                                  -- Conversions / targets, 0-1; NULL without targets
    a.output_amount,                                                    -- Revenue of these leads, refunds taken off
    a.io_ratio,                                                         -- Revenue per unit of cost; NULL where no cost is booked
    '1:' || cast(cast(a.io_ratio as decimal(18, 1)) as varchar) as io_text, -- The same as it is printed, 1:X
    p.currency,                                                         -- Currency of the amounts
    a.expected_participants,                                            -- Participants expected
    a.participants,                                                     -- Different customers and leads who came
    a.participation_rate,                                               -- Participants / expected; NULL where none were expected
    a.advice_id,                                                        -- Rule the advice is by: not_begun, no_cost, won_nobody, running, below_cost, few_came or keep
    case a.advice_id
        when 'not_begun' then '活动尚未开始。'
        when 'no_cost' then '没有登记成本，投入产出无法计算；请补登费用。'
        when 'won_nobody' then '已结束，线索 ' || cast(a.targets as varchar) || ' 条，没有成交：先查线索去向，再决定是否重办。'
        when 'running' then '进行中，已成交 ' || cast(a.conversions as varchar) || ' 单；结束后再评价。'
        when 'below_cost' then '产出仅为投入的 ' || cast(cast(a.io_ratio as decimal(18, 2)) as varchar) || ' 倍，低于方案下限 ' || cast(cast(l.output_least as decimal(18, 2)) as varchar) || ' 倍：缩减投入或更换做法。'
        when 'few_came' then '实到为预期的 ' || cast(cast(100 * a.participation_rate as decimal(18, 1)) as varchar) || '%：下次先改进邀约。'
        else '每投入 1 元产出 ' || cast(cast(a.io_ratio as decimal(18, 2)) as varchar) || ' 元：可继续举办。'
    end as advice_zh,                                                   -- Advice in Chinese, by rule
    case a.advice_id
        when 'not_begun' then 'It has not begun.'
        when 'no_cost' then 'No cost is booked for it, so its return is unknown: enter what it cost.'
        when 'won_nobody' then 'It is over, with ' || cast(a.targets as varchar) || ' leads and none won: see what became of them before it is held again.'
        when 'running' then 'Still running, ' || cast(a.conversions as varchar) || ' won so far: judge it when it is over.'
        when 'below_cost' then 'It earned ' || cast(cast(a.io_ratio as decimal(18, 2)) as varchar) || ' times its cost, less than the ' || cast(cast(l.output_least as decimal(18, 2)) as varchar) || ' the plan asks for: spend less on it, or do it differently.'
        when 'few_came' then cast(cast(100 * a.participation_rate as decimal(18, 1)) as varchar) || '% of those expected came: invite better next time.'
        else 'It earned ' || cast(cast(a.io_ratio as decimal(18, 2)) as varchar) || ' per unit of cost: worth holding again.'
    end as advice_en                                                    -- Advice in English, by rule
from advised as a
cross join plan.settings as p
cross join plan.activity_limits as l
