-- How long customers waited with their next order: the wait that runs, and those of late that outlasted a limit.
-- A customer's rhythm is the mean gap between the order days up to then, from the plan's number of order days on. By it,
-- or by calendar months where there is none, a wait becomes a risk, silence and churn, each on a day of its own; so it can
-- be told of any wait when it began to be too long, whether it still runs or an order has ended it.
-- grain: customer_id, ordered_on
-- seed: S3 一(三), 二(二)1, 二(五); F142, F145, F146; I24
with order_days as (
    select distinct
        s.customer_id,
        s.ordered_on
    from dws.sales as s
    where not s.is_refund and s.has_customer_record
),
numbered as (
    select
        d.customer_id,
        d.ordered_on,
        row_number() over (partition by d.customer_id order by d.ordered_on nulls last) as order_days,
        min(d.ordered_on) over (partition by d.customer_id order by d.ordered_on nulls last) as first_ordered_on,
        lead(d.ordered_on) over (partition by d.customer_id order by d.ordered_on nulls last) as ended_on
    from order_days as d
),
paced as (
    select
        n.customer_id,
        n.ordered_on,
        n.order_days,
        n.first_ordered_on,
        n.ended_on,
        case
            when p.is_rhythm_used and n.order_days >= p.rhythm_order_days
            then cast(date_diff('day', n.first_ordered_on, n.ordered_on) as double) / cast(n.order_days - 1 as double)
        end as usual_gap_days
    from numbered as n
    cross join plan.lifecycle as p
),
counted as (
    select
        g.customer_id,
        g.ordered_on,
        g.order_days,
        g.first_ordered_on,
        g.ended_on,
        g.usual_gap_days,
        case
            when g.usual_gap_days is not null then greatest(g.usual_gap_days, cast(p.least_gap_days as double))
        end as counted_gap_days
    from paced as g
    cross join plan.lifecycle as p
),
limited as (
    select
        g.customer_id,
        g.ordered_on,
        g.order_days,
        g.first_ordered_on,
        g.ended_on,
        g.usual_gap_days,
        g.counted_gap_days,
        g.ordered_on + cast(ceil(g.counted_gap_days * p.at_risk_gaps) as integer) as at_risk_on,
        coalesce(
            g.ordered_on + cast(ceil(g.counted_gap_days * p.silent_gaps) as integer),
            months_passed_on(g.ordered_on, p.silent_months)
        ) as silent_on,
        months_passed_on(g.ordered_on, p.churned_months) as calendar_churned_on,
        case
            when p.is_churn_held_back
            then g.ordered_on + cast(ceil(g.counted_gap_days * p.churned_gaps) as integer)
        end as rhythm_churned_on
    from counted as g
    cross join plan.lifecycle as p
),
dated as (
    select
        l.customer_id,
        l.ordered_on,
        l.order_days,
        l.first_ordered_on,
        l.ended_on,
        l.usual_gap_days,
        l.counted_gap_days,
        l.at_risk_on,
        l.silent_on,
        greatest(l.calendar_churned_on, coalesce(l.rhythm_churned_on, l.calendar_churned_on)) as churned_on,
        coalesce(l.rhythm_churned_on > l.calendar_churned_on, false) as is_held_back
    from limited as l
),
begun as (
    select
        d.*,
        least(coalesce(d.at_risk_on, d.silent_on), d.silent_on, d.churned_on) as too_long_on
    from dated as d
)
select
    b.customer_id,                                                      -- Customer
    b.ordered_on,                                                       -- Day with an order, after which the wait began
    b.first_ordered_on,                                                 -- Day of the customer's first order
    b.order_days,                                                       -- Days with an order up to and with this one
    b.usual_gap_days,                                                   -- The rhythm: mean days between the order days up to then; NULL with too few of them
    b.counted_gap_days,                                                 -- The rhythm as it counts, not less than the plan's least gap; NULL without one
    b.at_risk_on,                                                       -- Day from which on the wait is a risk by the customer's own rhythm; NULL without one
    b.silent_on,                                                        -- Day from which on the customer is silent, by rhythm or else by calendar months
    b.churned_on,                                                       -- Day from which on the customer is churned
    b.is_held_back,                                                     -- Whether the rhythm puts churn off beyond the calendar's months
    b.too_long_on,                                                      -- The earliest of the three days
    b.ended_on                                                          -- Day of the next order; NULL while the wait runs
from begun as b
cross join plan.win_back as p
where b.ended_on is null or (b.too_long_on < b.ended_on and b.too_long_on > p.began_after)
