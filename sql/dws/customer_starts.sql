-- Every customer with the day of the first order, what came of it, and what the customer is worth.
-- Retained after 30 days is who bought again, or came of their own accord, on one of the days 1 to 30 after the first order;
-- after 60 on one of the days 31 to 60; after 90 on one of the days 61 to 90. Whose days are not over is not counted.
-- grain: customer_id
-- seed: S0 §1.2, §3, §5.2, §6; S1 三; F079, F080, F081, F096, F097; I16, I18, I24
with came as (
    select
        s.customer_id,
        s.ordered_on as seen_on
    from dws.sales as s
    where not s.is_refund
    union all
    select
        t.customer_id,
        t.occurred_on as seen_on
    from dws.touches as t
    where t.is_own_accord and t.customer_id is not null
),
seen as (
    select
        a.customer_id,
        max(case when date_diff('day', a.first_ordered_on, e.seen_on) between 1 and 30 then 1 else 0 end) as days_30,
        max(case when date_diff('day', a.first_ordered_on, e.seen_on) between 31 and 60 then 1 else 0 end) as days_60,
        max(case when date_diff('day', a.first_ordered_on, e.seen_on) between 61 and 90 then 1 else 0 end) as days_90
    from dws.customer_activity as a
    inner join came as e on e.customer_id = a.customer_id
    where e.seen_on > a.first_ordered_on
    group by a.customer_id
),
first_orders as (
    select
        s.customer_id,
        s.order_id,
        s.campaign_id
    from dws.sales as s
    where s.is_first_order
)
select
    c.customer_id,                                                      -- Customer
    c.source_channel as channel,                                        -- Channel the customer came through
    s.team_id,                                                          -- Team of the owner
    c.owner_id as staff_id,                                             -- Member of staff who looks after the customer
    c.region,                                                           -- Region of the customer
    s.region as sales_region,                                           -- Region the owner sells in
    o.campaign_id,                                                      -- Campaign activity that brought the first order
    c.created_on,                                                       -- Day the customer was entered
    a.first_ordered_on,                                                 -- Day of the first order; NULL if there is none
    o.order_id as first_order_id,                                       -- First order
    i.member as target_industry,                                        -- Industry, where it is one the campaign is meant for
    c.referred_by is not null or c.source_channel = 'referral' as is_referred, -- Whether another customer recommended it
    m.is_new_market,                                                    -- Whether it is of a market new to the company, by the plan; NULL where that can't be told
    m.is_audience,                                                      -- Whether the campaign is meant for it, by the plan; NULL where that can't be told
    v.clv_amount,                                                       -- Value of the customer by the plan's measure; NULL where there is none
    p.currency,                                                         -- Currency of the amount
    case when date_diff('day', a.first_ordered_on, $as_of) >= 30 then coalesce(e.days_30, 0) = 1 end as is_retained_30, -- Whether retained after 30 days; NULL where they are not over
    case when date_diff('day', a.first_ordered_on, $as_of) >= 60 then coalesce(e.days_60, 0) = 1 end as is_retained_60, -- Whether retained after 60 days; NULL where they are not over
    case when date_diff('day', a.first_ordered_on, $as_of) >= 90 then coalesce(e.days_90, 0) = 1 end as is_retained_90 -- Whether retained after 90 days; NULL where they are not over
from dwd.customers as c
cross join plan.settings as p
inner join dws.customer_activity as a on a.customer_id = c.customer_id
inner join dws.customer_markets as m on m.customer_id = c.customer_id
left join dws.customer_value as v on v.customer_id = c.customer_id
left join dwd.staff as s on s.staff_id = c.owner_id
left join plan.lists as i on i.list = 'audience' and i.field = 'industry' and i.member = c.industry
left join seen as e on e.customer_id = c.customer_id
left join first_orders as o on o.customer_id = c.customer_id
