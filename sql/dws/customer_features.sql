-- What customers may be told apart by, each in its natural unit, and who they are beside it.
-- Who never ordered has nothing that comes of orders. Windows are those of the tables the numbers come from: the plan's
-- for frequency and monetary amount, 12 months for contacts and margin, all history for the rest.
-- grain: customer_id
-- seed: S0 §1.3, §2.3, §5.2; F129, F140; I22
with grades as (
    select distinct g.grade
    from plan.high_value_grades as g
)
select
    c.customer_id,                                                      -- Customer
    a.orders > 0 as has_ordered,                                        -- Whether it ever ordered
    r.recency_days,                                                     -- Days since the last order; NULL if there is none
    case when a.orders > 0 then r.frequency end as frequency,           -- Orders in the plan's window; NULL for who never ordered
    case when a.orders > 0 then r.monetary_amount end as monetary_amount, -- Net spend in the plan's window; NULL for who never ordered
    case
        when a.orders > 0
        then cast(round(cast(a.net_amount as double) / cast(a.orders as double), 2) as decimal(18, 2))
    end as order_amount,                                                -- Net spend ever per order ever; NULL for who never ordered
    p.currency,                                                         -- Currency of the amounts
    date_diff('day', a.first_ordered_on, $as_of) as tenure_days,        -- Days since the first order; NULL if there is none
    a.touches_12m,                                                      -- Contacts of any kind in the last 12 months
    a.visits_12m,                                                       -- Visits in the last 12 months
    a.complaints_12m,                                                   -- Complaints in the last 12 months
    a.logins_12m,                                                       -- Logins in the last 12 months
    case
        when a.net_amount_12m > 0
        then cast(a.margin_amount_12m * 100 as double) / cast(a.net_amount_12m * 100 as double)
    end as margin_rate,                                                 -- Margin of the last 12 months as a share of net spend; NULL without spend, or where a cost is unknown
    c.kind,                                                             -- company or person
    c.industry,                                                         -- Industry
    c.region,                                                           -- Region, 省-市
    a.last_nps_score,                                                   -- Last recommendation score, 0-10
    of_high_value(p.high_value, r.class_id, g.grade is not null, c.kind, a.net_amount_12m, p.high_value_spend, h.class_id)
        as is_high_value                                                -- Whether it is a high-value customer by the plan's definition
from dwd.customers as c
cross join plan.settings as p
inner join dws.customer_activity as a on a.customer_id = c.customer_id
inner join dws.customer_rfm as r on r.customer_id = c.customer_id
inner join dws.customer_tier as h on h.customer_id = c.customer_id
left join grades as g on g.grade = c.grade
