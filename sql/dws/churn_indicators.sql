-- What each indicator of churn says of a customer who ever ordered, and the risk it sees in it; one that can't be told of
-- the customer has no row. The risk is 0 where the plan is calm, 1 where it is alarmed, and in proportion between.
-- Late means the plan's recent months, before the months before those. A fall compares means a month and needs the
-- plan's least number of events before; complaints, and answers, count as known where the company records any at all.
-- grain: customer_id, indicator
-- seed: S4 流失预警干预; S2 §04; F144; I39
with bought as (
    select
        s.customer_id,
        count(*) filter (where not s.is_refund and s.ordered_on > p.recent_start) as late_orders,
        count(*) filter (where not s.is_refund and s.ordered_on <= p.recent_start) as before_orders,
        sum(s.net_amount) filter (where not s.is_refund and s.ordered_on > p.recent_start) as late_amount,
        sum(s.net_amount) filter (where not s.is_refund and s.ordered_on <= p.recent_start) as before_amount,
        sum(s.net_amount) filter (where not s.is_refund) as sold_amount,
        sum(s.net_amount) filter (where s.is_refund) as refunded_amount,
        count(distinct coalesce(s.product, s.category)) filter (where not s.is_refund) as products,
        count(*) filter (where not s.is_refund and s.ordered_on <= p.recent_start and s.paid_on is not null)
            as before_paid,
        sum(greatest(date_diff('day', s.ordered_on, s.paid_on), 0)) filter (
            where not s.is_refund and s.ordered_on <= p.recent_start
        ) as before_paid_days
    from dws.sales as s
    cross join plan.churn as p
    where s.ordered_on > p.before_start and s.has_customer_record
    group by s.customer_id
),
paid as (
    select
        s.customer_id,
        sum(
            greatest(
                date_diff('day', s.ordered_on, least(coalesce(s.paid_on, $as_of), $as_of)) * b.before_paid
                - b.before_paid_days,
                0
            )
        ) as late_days_times_paid
    from dws.sales as s
    cross join plan.churn as p
    inner join bought as b on b.customer_id = s.customer_id
    where not s.is_refund and s.ordered_on > p.recent_start and b.before_paid >= p.least_events
    group by s.customer_id
),
sold as (
    select count(distinct coalesce(s.product, s.category)) as products
    from dws.sales as s
    cross join plan.churn as p
    where not s.is_refund and s.ordered_on > p.before_start
),
contacts as (
    select
        t.customer_id,
        t.occurred_on > p.recent_start as is_late,
        t.kind = 'complaint' as is_complaint,
        t.kind in ('login', 'site_visit') as is_login,
        t.kind in ('webinar', 'live', 'expo', 'trial', 'download', 'email_open', 'consultation', 'service_request')
            as is_active,
        t.kind in ('consultation', 'complaint', 'service_request') and t.occurred_on <= p.answered_until as is_request,
        coalesce(t.response_hours <= p.answer_hours, false) as is_answered,
        t.response_hours is not null as has_answer
    from dws.touches as t
    cross join plan.churn as p
    where t.occurred_on > p.before_start
),
recorded as (
    select
        count(*) filter (where t.is_complaint) as complaints,
        count(*) filter (where t.has_answer) as answers
    from contacts as t
),
touched as (
    select
        t.customer_id,
        count(*) filter (where t.is_late and t.is_complaint) as late_complaints,
        count(*) filter (where not t.is_late and t.is_complaint) as before_complaints,
        count(*) filter (where t.is_late and t.is_login) as late_logins,
        count(*) filter (where not t.is_late and t.is_login) as before_logins,
        count(*) filter (where t.is_late and t.is_active) as late_acts,
        count(*) filter (where not t.is_late and t.is_active) as before_acts,
        count(*) filter (where t.is_request) as requests,
        count(*) filter (where t.is_request and not t.is_answered) as unanswered
    from contacts as t
    group by t.customer_id
),
scores as (
    select
        r.customer_id,
        r.kind,
        r.score,
        r.scale_min,
        r.scale_max,
        row_number() over (
            partition by r.customer_id, r.kind order by r.answered_on desc nulls last, r.answer_id desc nulls last
        ) as position
    from dws.responses as r
    cross join plan.churn as p
    where r.customer_id is not null
        and r.answered_on > p.before_start
        and (r.is_promoter is not null or (r.kind = 'csat' and r.score is not null and r.scale_max > r.scale_min))
),
answered as (
    select
        r.customer_id,
        max(r.score) filter (where r.kind = 'nps') as nps_score,
        max(r.score) filter (where r.kind = 'csat') as csat_score,
        max(r.scale_min) filter (where r.kind = 'csat') as csat_least,
        max(r.scale_max) filter (where r.kind = 'csat') as csat_most
    from scores as r
    where r.position = 1
    group by r.customer_id
),
known as (
    select
        w.customer_id,
        cast(date_diff('day', w.ordered_on, $as_of) as double) as recency_days,
        w.usual_gap_days,
        w.counted_gap_days,
        cast(coalesce(b.late_orders, 0) as double) as late_orders,
        cast(coalesce(b.before_orders, 0) as double) as before_orders,
        cast(b.late_amount as double) / nullif(cast(b.late_orders as double), 0) as late_value,
        cast(b.before_amount as double) / nullif(cast(b.before_orders as double), 0) as before_value,
        cast(b.sold_amount as double) as sold_amount,
        cast(-coalesce(b.refunded_amount, 0) as double) as refunded_amount,
        cast(nullif(b.products, 0) as double) as products,
        cast(o.products as double) as products_sold,
        cast(b.before_paid_days as double) / nullif(cast(b.before_paid as double), 0) as before_paid_days,
        cast(d.late_days_times_paid as double) / cast(b.before_paid * b.late_orders as double) as late_paid_days,
        cast(coalesce(t.late_complaints, 0) as double) as late_complaints,
        cast(coalesce(t.before_complaints, 0) as double) as before_complaints,
        r.complaints > 0 as has_complaints_recorded,
        cast(coalesce(t.late_logins, 0) as double) as late_logins,
        cast(coalesce(t.before_logins, 0) as double) as before_logins,
        cast(coalesce(t.late_acts, 0) as double) as late_acts,
        cast(coalesce(t.before_acts, 0) as double) as before_acts,
        cast(coalesce(t.requests, 0) as double) as requests,
        cast(t.unanswered as double) as unanswered,
        r.answers > 0 as has_answers_recorded,
        a.nps_score,
        a.csat_score,
        a.csat_least,
        a.csat_most
    from dws.customer_waits as w
    cross join sold as o
    cross join recorded as r
    left join bought as b on b.customer_id = w.customer_id
    left join paid as d on d.customer_id = w.customer_id
    left join touched as t on t.customer_id = w.customer_id
    left join answered as a on a.customer_id = w.customer_id
    where w.ended_on is null
),
valued as (
    select
        k.customer_id,
        i.indicator,
        i.calm,
        i.alarm,
        i.weight,
        case i.indicator
            when 'overdue' then k.recency_days / k.counted_gap_days
            when 'order_frequency_fall'
            then case
                when k.before_orders >= p.least_events
                then fall_a_month(k.late_orders, p.recent_months, k.before_orders, p.before_months)
            end
            when 'order_value_fall'
            then case
                when k.before_orders >= p.least_events and k.before_value > 0
                then 1 - k.late_value / k.before_value
            end
            when 'activity_fall'
            then case
                when k.before_acts >= p.least_events
                then fall_a_month(k.late_acts, p.recent_months, k.before_acts, p.before_months)
            end
            when 'login_fall'
            then case
                when k.before_logins >= p.least_events
                then fall_a_month(k.late_logins, p.recent_months, k.before_logins, p.before_months)
            end
            when 'complaint_rise'
            then case
                when k.has_complaints_recorded
                then k.late_complaints - k.before_complaints * p.recent_months / p.before_months
            end
            when 'unanswered'
            then case when k.has_answers_recorded and k.requests >= p.least_events then k.unanswered / k.requests end
            when 'nps_low' then k.nps_score
            when 'csat_low' then (k.csat_score - k.csat_least) / (k.csat_most - k.csat_least)
            when 'payment_delay' then k.late_paid_days
            when 'refund_share' then case when k.sold_amount > 0 then k.refunded_amount / k.sold_amount end
            when 'breadth' then case when k.products_sold > 1 then k.products end
        end as value,
        case i.indicator
            when 'overdue' then k.recency_days
            when 'order_frequency_fall' then k.late_orders
            when 'order_value_fall' then k.late_value
            when 'activity_fall' then k.late_acts
            when 'login_fall' then k.late_logins
            when 'complaint_rise' then k.late_complaints
            when 'unanswered' then k.unanswered
            when 'nps_low' then k.nps_score
            when 'csat_low' then k.csat_score
            when 'payment_delay' then k.late_paid_days
            when 'refund_share' then k.refunded_amount
            when 'breadth' then k.products
        end as observed,
        case i.indicator
            when 'overdue' then k.usual_gap_days
            when 'order_frequency_fall' then k.before_orders
            when 'order_value_fall' then k.before_value
            when 'activity_fall' then k.before_acts
            when 'login_fall' then k.before_logins
            when 'complaint_rise' then k.before_complaints
            when 'unanswered' then k.requests
            when 'csat_low' then k.csat_most
            when 'payment_delay' then k.before_paid_days
            when 'refund_share' then k.sold_amount
            when 'breadth' then k.products_sold
        end as compared_with
    from known as k
    cross join plan.churn as p
    cross join plan.churn_indicators as i
)
select
    v.customer_id,                                                      -- Customer
    v.indicator,                                                        -- Indicator of the plan
    v.value,                                                            -- What it comes to, as plan.churn_indicators defines it
    v.observed,                                                         -- The number of the customer behind it, as of late
    v.compared_with,                                                    -- The number it is compared with; NULL where there is none
    risk_of(v.value, v.calm, v.alarm) as risk,                          -- Risk it sees, 0-1
    millionths(v.weight) as weight                                      -- Its weight in the score
from valued as v
where v.value is not null
