-- Class A, B or C of every customer by the share of net spend of the last 12 months.
-- Customers stand in order of spend. The class goes by the share of those who spent more, so the customer whose spend
-- crosses a limit belongs to the class it crosses out of, and equal spenders are never put in different classes.
-- Who spent nothing, or got back more than was spent, is C and no part of the total.
-- grain: customer_id
-- seed: S3 二(二)1; F127; I34
with spend as (
    select
        a.customer_id,
        a.net_amount_12m as spend_amount,
        greatest(a.net_amount_12m, cast(0 as decimal(18, 2))) as counted_amount
    from dws.customer_activity as a
),
ranked as (
    select
        s.customer_id,
        s.spend_amount,
        s.counted_amount,
        cast(rank() over (order by s.spend_amount desc nulls last) as bigint) as spend_rank,
        sum(s.counted_amount) over (
            order by s.spend_amount desc nulls last range between unbounded preceding and current row
        ) as reached_amount,
        sum(s.counted_amount) over (partition by s.spend_amount) as tied_amount
    from spend as s
),
total as (
    select nullif(sum(s.counted_amount), 0) as total_amount
    from spend as s
),
shared as (
    select
        r.customer_id,
        r.spend_amount,
        r.spend_rank,
        cast(r.counted_amount * 100 as double) / cast(t.total_amount * 100 as double) as spend_share,
        cast((r.reached_amount - r.tied_amount) * 100 as double) / cast(t.total_amount * 100 as double) as share_before,
        cast(r.reached_amount * 100 as double) / cast(t.total_amount * 100 as double) as cumulative_share
    from ranked as r
    cross join total as t
)
select
    s.customer_id,                                                      -- Customer
    s.spend_amount,                                                     -- Net spend of the last 12 months, refunds taken off
    p.currency,                                                         -- Currency of the amount
    s.spend_rank,                                                       -- Place by spend, 1 the highest; equal spenders share it
    s.spend_share,                                                      -- Part of all customers' spend, 0-1; NULL where nobody spent
    s.share_before,                                                     -- Part of all spend made by those who spent more, 0-1
    s.cumulative_share,                                                 -- Part of all spend made by those who spent as much or more, 0-1
    case
        when s.spend_amount <= 0 then 'C'
        when s.share_before < p.abc_a_until then 'A'
        when s.share_before < p.abc_b_until then 'B'
        else 'C'
    end as class_id                                                     -- A, B or C
from shared as s
cross join plan.settings as p
