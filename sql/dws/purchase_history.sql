-- When every customer bought, told in days: what the models of value are made of.
-- A day counts once, however many orders it saw. A refund takes its money from the day of the order it gives back, or,
-- where that is not known, from the customer's last day of purchase before it; the purchase itself stays counted.
-- The same is told as it stood before the plan's last months, which are held out to see how well they are foretold.
-- grain: customer_id
-- seed: F079, F080; I16, I24; X17
with orders as (
    select
        s.order_id,
        s.customer_id,
        s.ordered_on,
        s.net_amount
    from dws.sales as s
    where not s.is_refund and s.ordered_on <= $as_of
),
refunds as (
    select
        r.order_id,
        r.customer_id,
        r.ordered_on as refunded_on,
        r.net_amount,
        o.ordered_on as bought_on
    from dws.sales as r
    left join orders as o on o.order_id = r.refund_of and o.customer_id = r.customer_id
    where r.is_refund and r.ordered_on <= $as_of
),
dated_refunds as (
    select
        r.order_id,
        r.customer_id,
        r.net_amount,
        max(o.ordered_on) as bought_on
    from refunds as r
    inner join orders as o
        on o.customer_id = r.customer_id
        and (o.ordered_on = r.bought_on or (r.bought_on is null and o.ordered_on <= r.refunded_on))
    group by r.order_id, r.customer_id, r.net_amount
),
booked as (
    select
        o.customer_id,
        o.ordered_on as bought_on,
        o.net_amount
    from orders as o
    union all
    select
        r.customer_id,
        r.bought_on,
        r.net_amount
    from dated_refunds as r
),
days as (
    select
        b.customer_id,
        b.bought_on,
        sum(b.net_amount) as day_amount
    from booked as b
    group by b.customer_id, b.bought_on
),
told as (
    select
        d.customer_id,
        min(d.bought_on) as first_bought_on,
        max(d.bought_on) as last_bought_on,
        count(*) - 1 as repeats,
        sum(d.day_amount) - min_by(d.day_amount, d.bought_on) as repeat_amount,
        max(d.bought_on) filter (where d.bought_on <= v.holdout_after) as calibration_last_bought_on,
        count(*) filter (where d.bought_on <= v.holdout_after) - 1 as calibration_repeats,
        count(*) filter (where d.bought_on > v.holdout_after) as holdout_purchases,
        max(d.bought_on) filter (where d.bought_on <= v.year_ago) as last_bought_on_year_ago
    from days as d
    cross join plan.value as v
    group by d.customer_id
)
select
    c.customer_id,                                                      -- Customer
    t.first_bought_on,                                                  -- First day of purchase; NULL if there is none
    t.last_bought_on,                                                   -- Last day of purchase
    t.repeats,                                                          -- Days of purchase after the first
    cast(coalesce(t.repeat_amount, 0) as decimal(18, 2)) as repeat_amount, -- What those days brought, refunds taken off
    p.currency,                                                         -- Currency of the amount
    date_diff('day', t.first_bought_on, t.last_bought_on) as last_days, -- Days from the first purchase to the last
    date_diff('day', t.first_bought_on, $as_of) as known_days,          -- Days since the first purchase
    case when t.calibration_repeats >= 0 then t.calibration_repeats end as calibration_repeats, -- Days of purchase after the first, before the held-out months; NULL for who first bought in them
    date_diff('day', t.first_bought_on, t.calibration_last_bought_on) as calibration_last_days, -- Days from the first purchase to the last before the held-out months
    case when t.calibration_repeats >= 0 then date_diff('day', t.first_bought_on, v.holdout_after) end as calibration_known_days, -- Days from the first purchase to the held-out months
    case when t.calibration_repeats >= 0 then t.holdout_purchases end as holdout_purchases, -- Days of purchase in the held-out months
    coalesce(t.last_bought_on_year_ago > v.was_active_after, false) as was_active, -- Whether the customer was active a year ago, by the plan's months without a purchase
    coalesce(t.last_bought_on > v.active_after, false) as is_active     -- Whether the customer is active on the day
from dwd.customers as c
cross join plan.settings as p
cross join plan.value as v
left join told as t on t.customer_id = c.customer_id
