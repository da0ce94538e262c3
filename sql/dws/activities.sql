-- Every campaign activity with whom it brought, what it cost, what came of it to this day, and who took part.
-- Whoever it was for are its leads; what it won and earned are the customers and orders of these, refunds taken off. Those
-- who took part are customers or leads that were there, each once.
-- grain: campaign_id
-- seed: S0 §1.2, §2; S1 三; S3 三(三); F074, F077, F094, F189; I20, I21; U11
with took_part as (
    select
        t.campaign_id,
        count(distinct coalesce(t.customer_id, t.lead_id)) as participants,
        count(*) as attendances
    from dws.touches as t
    where t.campaign_id is not null and t.is_attendance
    group by t.campaign_id
),
brought as (
    select
        l.campaign_id,
        count(*) as leads,
        count(*) filter (where l.is_won) as won_leads
    from dws.lead_journey as l
    where l.campaign_id is not null
    group by l.campaign_id
),
earned as (
    select
        s.campaign_id,
        count(distinct case when s.is_first_order then s.customer_id end) as new_customers,
        sum(s.net_amount) as amount,
        sum(cast(s.net_amount as decimal(19, 2)) * cast(s.net_amount as decimal(19, 2))) as squared
    from dws.sales as s
    where s.campaign_id is not null
    group by s.campaign_id
),
spent as (
    select
        c.campaign_id,
        sum(c.amount) as amount
    from dws.costs as c
    where c.campaign_id is not null
    group by c.campaign_id
)
select
    c.campaign_id,                                                      -- Campaign activity
    c.name,                                                             -- What it is called
    c.kind,                                                             -- Kind of activity
    c.channel,                                                          -- Channel it runs on
    c.segment,                                                          -- Whom it is for
    s.team_id,                                                          -- Team of whoever runs it
    c.owner_id as staff_id,                                             -- Member of staff who runs it
    s.region as sales_region,                                           -- Region that person sells in
    c.starts_on,                                                        -- First day
    c.ends_on,                                                          -- Last day
    c.expected_participants,                                            -- Planned number of participants
    case when c.expected_participants > 0 then coalesce(a.participants, 0) end as planned_participants, -- Different participants, where a number was planned
    coalesce(a.participants, 0) as participants,                        -- Different participants so far
    coalesce(a.attendances, 0) as attendances,                          -- Times any of them took part
    coalesce(b.leads, 0) as leads,                                      -- Leads it brought
    coalesce(b.won_leads, 0) as won_leads,                              -- Leads of these that were won
    coalesce(e.new_customers, 0) as new_customers,                      -- Customers whose first order came from it
    cast(x.amount as decimal(18, 2)) as input_amount,                   -- What it cost; NULL where nothing is booked for it, which is not 0
    cast(coalesce(e.amount, 0) as decimal(18, 2)) as output_amount,     -- Revenue that came from it, refunds taken off
    cast(coalesce(e.squared, 0) as double) as output_squared,           -- Sum of the squares of these orders and refunds, for the interval
    p.currency                                                          -- Currency of the amounts
from dwd.campaigns as c
cross join plan.settings as p
left join took_part as a on a.campaign_id = c.campaign_id
left join brought as b on b.campaign_id = c.campaign_id
left join earned as e on e.campaign_id = c.campaign_id
left join spent as x on x.campaign_id = c.campaign_id
left join dwd.staff as s on s.staff_id = c.owner_id
