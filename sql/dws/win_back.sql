-- Customers worth winning back: what has been tried since they began to stay away, who is next and until when, and
-- whether they came back. For who stayed away before and bought again it is the last such time that counts.
-- Staying away begins on the day the wait passes its first limit; of who is warned of or at risk before that, on the day
-- after the last order or on the day of a later complaint. Each later day with a contact by which somebody was reached is
-- a step done; the contact is not asked whether it was meant as one. Success is an order within the plan's days after the
-- first contact; it is not known as long as these days are not over.
-- grain: customer_id
-- seed: S4 流失预警干预; S3 一(三), 二(五); F145, F146
with complained as (
    select
        t.customer_id,
        max(t.occurred_on) as complained_on
    from dws.touches as t
    where t.kind = 'complaint'
    group by t.customer_id
),
waits as (
    select
        w.customer_id,
        w.ordered_on,
        w.ended_on,
        case
            when w.too_long_on <= $as_of then w.too_long_on
            else least(
                greatest(w.ordered_on + 1, coalesce(c.complained_on, w.ordered_on + 1)),
                $as_of
            )
        end as began_on,
        row_number() over (partition by w.customer_id order by w.ordered_on desc nulls last) as position
    from dws.customer_waits as w
    inner join dws.customer_lifecycle as l on l.customer_id = w.customer_id
    inner join dws.customer_churn as h on h.customer_id = w.customer_id
    left join complained as c on c.customer_id = w.customer_id
    where w.ended_on is not null
        or h.is_warned
        or l.class_id in ('lifecycle_at_risk', 'lifecycle_silent', 'lifecycle_churned')
),
latest as (
    select
        w.customer_id,
        w.ordered_on,
        w.ended_on,
        w.began_on
    from waits as w
    cross join plan.win_back as p
    where w.position = 1 and w.began_on > p.began_after
),
worth as (
    select
        w.customer_id,
        sum(s.net_amount) as spend_amount
    from latest as w
    inner join dws.sales as s on s.customer_id = w.customer_id
    where s.ordered_on < w.began_on and s.ordered_on >= cast(w.began_on - interval 12 month as date)
    group by w.customer_id
),
contacts as (
    select distinct
        t.customer_id,
        t.occurred_on
    from dws.touches as t
    inner join plan.win_back_contacts as k on k.kind = t.kind
    left join plan.not_reached as n on n.outcome = lower(t.outcome)
    where n.outcome is null and t.occurred_on <= $as_of
),
tried as (
    select
        w.customer_id,
        count(*) as contacts,
        min(c.occurred_on) as first_contact_on,
        max(c.occurred_on) as last_contact_on
    from latest as w
    inner join contacts as c on c.customer_id = w.customer_id
    where c.occurred_on >= w.began_on and (w.ended_on is null or c.occurred_on < w.ended_on)
    group by w.customer_id
),
measured as (
    select
        w.customer_id,
        w.ordered_on,
        w.began_on,
        w.ended_on,
        cast(h.spend_amount as decimal(18, 2)) as spend_amount,
        coalesce(t.contacts, 0) as contacts,
        least(coalesce(t.contacts, 0), p.steps) as steps_done,
        t.first_contact_on,
        t.last_contact_on,
        t.first_contact_on + cast(p.success_days as integer) as success_until
    from latest as w
    cross join plan.win_back as p
    inner join worth as h on h.customer_id = w.customer_id
    left join tried as t on t.customer_id = w.customer_id
    where cast(h.spend_amount as double) > p.least_amount
),
stated as (
    select
        m.*,
        case
            when m.ended_on <= m.success_until then 'won_back'
            when m.ended_on is not null then 'returned'
            when m.steps_done < p.steps then 'open'
            else 'tried'
        end as state,
        case
            when m.ended_on <= m.success_until then true
            when m.first_contact_on is not null and (m.ended_on is not null or m.success_until < $as_of) then false
        end as is_won_back
    from measured as m
    cross join plan.win_back as p
)
select
    m.customer_id,                                                      -- Customer
    l.class_id as lifecycle_class_id,                                   -- Stage of life on the day
    h.class_id as churn_class_id,                                       -- Class of the early warning on the day
    m.state,                                                            -- open: a step is due; tried: all steps are done; won_back: bought in time after a contact; returned: bought without one, or too late
    m.began_on,                                                         -- Day the customer began to stay away
    m.spend_amount,                                                     -- Net spend of the 12 months before that day
    s.currency,                                                         -- Currency of the amount
    m.contacts,                                                         -- Days with a contact since then by which somebody was reached
    m.steps_done,                                                       -- Steps done, at most as many as the plan has
    m.first_contact_on,                                                 -- Day of the first such contact; NULL if there is none
    m.last_contact_on,                                                  -- Day of the last such contact; NULL if there is none
    m.ended_on as bought_on,                                            -- Day the customer bought again; NULL if not yet
    m.is_won_back,                                                      -- Whether the customer bought in time after the first contact; NULL without a contact, or while it may still happen
    t.step,                                                             -- Step that is due, 1 the first; NULL unless the state is open
    t.step_id,                                                          -- The same by its id
    t.label_zh as step_zh,                                              -- The same in Chinese
    t.label_en as step_en,                                              -- The same in English
    t.role_zh as owner_role_zh,                                         -- Who does it, in Chinese
    t.role_en as owner_role_en,                                         -- Who does it, in English
    case when t.is_customers_owner then c.owner_id end as owner_id,     -- Member of staff who looks after the customer, where the step falls to them; NULL where it does not, or there is none
    t.offer_zh,                                                         -- What may be offered, in Chinese
    t.offer_en,                                                         -- What may be offered, in English
    coalesce(m.last_contact_on, m.began_on) + cast(t.within_days as integer) as due_on, -- Day until which the step is due
    coalesce(m.last_contact_on, m.began_on) + cast(t.within_days as integer) < $as_of as is_overdue -- Whether that day is over; NULL where no step is due
from stated as m
cross join plan.settings as s
inner join dwd.customers as c on c.customer_id = m.customer_id
inner join dws.customer_lifecycle as l on l.customer_id = m.customer_id
inner join dws.customer_churn as h on h.customer_id = m.customer_id
left join plan.win_back_steps as t on m.state = 'open' and t.step = m.steps_done + 1
