-- Every contact with a customer or a lead: who, over which channel, when.
-- The channel is that of the contact, else of the campaign activity, else of the lead. The person is who made it,
-- else the owner of the lead, else the owner of the customer.
-- grain: interaction_id
-- seed: S0 §3.1, §3.2; S1 三, 表3; S3 二(一)1; F009, F011, F071, F073, F074, F124
with known_customers as (
    select
        k.source_customer_id,
        c.customer_id,
        c.region,
        c.owner_id
    from dwd.customer_links as k
    inner join dwd.customers as c on c.customer_id = k.customer_id
),
placed as (
    select
        i.interaction_id,
        i.occurred_on,
        i.occurred_at,
        i.answered_at,
        i.kind,
        i.outcome,
        i.lead_id,
        i.channel,
        i.staff_id,
        i.campaign_id,
        l.channel as lead_channel,
        l.owner_id as lead_owner_id,
        l.product,
        coalesce(i.customer_id, l.customer_id) as sent_customer_id
    from dwd.interactions as i
    left join dwd.leads as l on l.lead_id = i.lead_id
),
not_reached as (
    select l.member as outcome
    from plan.lists as l
    where l.list = 'not_reached'
),
attributed as (
    select
        i.*,
        coalesce(k.customer_id, i.sent_customer_id) as touched_customer_id,
        k.region,
        coalesce(i.channel, c.channel, i.lead_channel) as touch_channel,
        coalesce(i.staff_id, i.lead_owner_id, k.owner_id) as touch_staff_id
    from placed as i
    left join known_customers as k on k.source_customer_id = i.sent_customer_id
    left join dwd.campaigns as c on c.campaign_id = i.campaign_id
),
-- calls and visits of which the source says who made them, to customers, or to leads that are none
calls as (
    select
        i.interaction_id,
        i.occurred_on,
        i.occurred_at,
        i.staff_id,
        coalesce(
            'customer ' || coalesce(k.customer_id, i.customer_id, l.customer_id),
            'lead ' || i.lead_id
        ) as person
    from dwd.interactions as i
    left join dwd.leads as l on l.lead_id = i.lead_id
    left join known_customers as k on k.source_customer_id = coalesce(i.customer_id, l.customer_id)
    where i.kind in ('call', 'visit')
        and i.staff_id is not null
        and coalesce(i.customer_id, i.lead_id) is not null
),
shared as (
    select c.person
    from calls as c
    group by c.person
    having min(c.staff_id) <> max(c.staff_id)
),
-- what happens at one moment happens together: of two who visit together neither follows on the other
moments as (
    select
        c.person,
        c.occurred_at,
        min(c.occurred_on) as occurred_on,
        min(c.staff_id) as first_staff_id,
        max(c.staff_id) as last_staff_id
    from calls as c
    inner join shared as s on s.person = c.person
    group by c.person, c.occurred_at
),
moments_before as (
    select
        m.*,
        lag(m.occurred_on) over (partition by m.person order by m.occurred_at nulls last) as before_on,
        lag(m.first_staff_id) over (partition by m.person order by m.occurred_at nulls last) as before_first_id,
        lag(m.last_staff_id) over (partition by m.person order by m.occurred_at nulls last) as before_last_id
    from moments as m
),
-- somebody else called at the moment before, or that was one's own and others called last before the own moments
others_before as (
    select
        m.person,
        m.occurred_at,
        m.before_on,
        m.before_first_id,
        m.before_last_id,
        max(case when m.before_first_id <> m.first_staff_id or m.before_last_id <> m.last_staff_id then m.before_on end)
            over (
                partition by m.person
                order by m.occurred_at nulls last
                rows between unbounded preceding and 1 preceding
            ) as before_own_on
    from moments_before as m
),
repeated as (
    select c.interaction_id
    from calls as c
    cross join plan.service as p
    inner join others_before as o
        on o.person = c.person
        and o.occurred_at = c.occurred_at
    where date_diff(
            'day',
            case
                when o.before_first_id = c.staff_id and o.before_last_id = c.staff_id then o.before_own_on
                else o.before_on
            end,
            c.occurred_on
        ) <= p.repeat_contact_days
)
select
    i.interaction_id,                                                   -- Contact
    i.occurred_on,                                                      -- Day it took place
    i.occurred_at,                                                      -- When it took place
    i.kind,                                                             -- call, visit, webinar, live, expo, trial, site_visit, download, email_open, login, consultation, complaint or service_request
    i.outcome,                                                          -- What came of it
    i.touched_customer_id as customer_id,                               -- Customer, its own or that of its lead: the merged one where the CRM knows the id, else the id as sent
    i.lead_id,                                                          -- Lead
    i.touch_channel as channel,                                         -- Channel it took place on
    s.team_id,                                                          -- Team of the member of staff
    i.touch_staff_id as staff_id,                                       -- Member of staff
    i.region,                                                           -- Region of the customer
    s.region as sales_region,                                           -- Region the member of staff sells in
    i.product,                                                          -- Product the lead asks about
    i.campaign_id,                                                      -- Campaign activity
    hours_between(i.occurred_at, i.answered_at) as response_hours,      -- Hours until it was answered; NULL where it was not, or needed no answer
    i.kind in ('complaint', 'service_request', 'consultation') as needs_answer, -- Whether it is something to be answered
    hours_between(i.occurred_at, i.answered_at) <= p.service_hours as is_in_time, -- Whether it was answered within the hours the plan allows; NULL where it was not answered
    i.kind in ('call', 'visit') and n.outcome is null as is_reached,    -- Whether a call or visit met the customer, by its outcome
    i.kind in ('webinar', 'live', 'expo', 'trial', 'site_visit') as is_attendance, -- Whether somebody took part in something
    i.kind in ('webinar', 'live', 'expo', 'trial', 'site_visit', 'download', 'login', 'consultation') as is_own_accord, -- Whether the customer came of their own accord
    case
        when i.kind in ('call', 'visit')
            and i.staff_id is not null
            and coalesce(i.touched_customer_id, i.lead_id) is not null then r.interaction_id is not null
    end as is_repeated                                                  -- Whether it is a call or visit to whom another member of staff had called or visited within the days the plan names; NULL of other kinds, and where the source does not say who made it or with whom
from attributed as i
cross join plan.service as p
left join not_reached as n on n.outcome = lower(i.outcome)
left join dwd.staff as s on s.staff_id = i.touch_staff_id
left join repeated as r on r.interaction_id = i.interaction_id
