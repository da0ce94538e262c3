-- How far every lead got, how long it took, and where the lost ones were given up.
-- A stage is reached when it, or any stage after it, has a time: a deal that was signed was met, whoever forgot to
-- write the meeting down. A lead that was signed is won, whatever was entered as lost. Valid is what the plan says:
-- contactable, with a demand tag, with the least score; the customer's own record may supply the first two; and not the
-- same person once more: of leads of one person that follow on each other within the plan's days one counts, that is the
-- one that was won, else the first. A person is the customer where one is named, else the phone number, else the address.
-- grain: lead_id
-- seed: S0 §3.2, §5.3, §6.1; S1 表1, 表2; S3 二(三)2; F066, F072, F082, F087; I23
with known_customers as (
    select
        k.source_customer_id,
        c.customer_id,
        c.region,
        c.demand_tag is not null as has_demand_tag,
        is_given(c.phone) or is_given(c.email) as is_contactable
    from dwd.customer_links as k
    inner join dwd.customers as c on c.customer_id = k.customer_id
),
journeys as (
    select
        l.lead_id,
        l.customer_id,
        l.channel,
        l.owner_id,
        l.product,
        l.campaign_id,
        l.created_on,
        l.created_at,
        l.assigned_at,
        l.first_touch_at,
        l.qualified_at,
        l.met_at,
        l.proposed_at,
        l.won_at,
        l.lost_at,
        l.lost_reason,
        l.score,
        l.expected_amount,
        is_given(l.phone) or is_given(l.email) as is_contactable,
        l.demand_tag is not null as has_demand_tag,
        l.won_at is not null as is_won,
        l.won_at is null and l.lost_at is not null as is_lost,
        coalesce(l.proposed_at, l.won_at) is not null as reached_proposed,
        coalesce(l.met_at, l.proposed_at, l.won_at) is not null as reached_met,
        coalesce(l.qualified_at, l.met_at, l.proposed_at, l.won_at) is not null as reached_qualified,
        coalesce(l.first_touch_at, l.qualified_at, l.met_at, l.proposed_at, l.won_at) is not null as reached_touched,
        coalesce(l.assigned_at, l.first_touch_at, l.qualified_at, l.met_at, l.proposed_at, l.won_at) is not null
            as reached_assigned
    from dwd.leads as l
),
persons as (
    select
        l.lead_id,
        l.created_on,
        l.created_at,
        l.won_at is not null as is_won,
        case
            when l.customer_id is not null then 'customer ' || coalesce(c.customer_id, l.customer_id)
            when is_given(l.phone) then 'phone ' || keyed_hash(k.hash_key, l.phone)
            when is_given(l.email) then 'email ' || keyed_hash(k.hash_key, l.email)
            else 'lead ' || l.lead_id
        end as person
    from dwd.leads as l
    left join known_customers as c on c.source_customer_id = l.customer_id
    cross join secret.keys as k
),
followed as (
    select
        o.*,
        lag(o.created_on) over (partition by o.person order by o.created_at nulls last, o.lead_id nulls last)
            as created_before_on
    from persons as o
),
runs as (
    select
        f.lead_id,
        f.created_at,
        f.is_won,
        f.person,
        sum(
            case
                when date_diff('day', f.created_before_on, f.created_on) <= p.valid_repeat_days then 0
                else 1
            end
        ) over (partition by f.person order by f.created_at nulls last, f.lead_id nulls last) as run
    from followed as f
    cross join plan.settings as p
),
repeated as (
    select
        r.lead_id,
        row_number() over (
            partition by r.person, r.run
            order by case when r.is_won then 0 else 1 end nulls last, r.created_at nulls last, r.lead_id nulls last
        ) > 1 as is_repeat
    from runs as r
),
staged as (
    select
        j.*,
        case
            when j.is_won then 'won'
            when j.reached_proposed then 'proposed'
            when j.reached_met then 'met'
            when j.reached_qualified then 'qualified'
            when j.reached_touched then 'touched'
            when j.reached_assigned then 'assigned'
            else 'created'
        end as last_stage
    from journeys as j
)
select
    l.lead_id,                                                          -- Lead
    coalesce(c.customer_id, l.customer_id) as customer_id,              -- Customer it belongs to: the merged one where the CRM knows the id, else the id as sent
    l.channel,                                                          -- Channel it came through
    s.team_id,                                                          -- Team of its owner
    l.owner_id as staff_id,                                             -- Owner, the member of staff who works it
    c.region,                                                           -- Region of the customer
    s.region as sales_region,                                           -- Region the owner sells in
    l.product,                                                          -- Product it asks about
    l.campaign_id,                                                      -- Campaign activity that brought it
    l.created_on,                                                       -- Day it was entered
    l.created_at,                                                       -- When it was entered
    l.assigned_at,                                                      -- When it was given to its owner
    l.first_touch_at,                                                   -- When the owner first reached it
    l.qualified_at,                                                     -- When it was found valid by sales
    l.met_at,                                                           -- When the first meeting took place
    l.proposed_at,                                                      -- When an offer was made
    l.won_at,                                                           -- When the deal was signed
    l.lost_at,                                                          -- When it was given up
    cast(l.won_at as date) as won_on,                                   -- Day the deal was signed
    (not p.valid_contactable or l.is_contactable or coalesce(c.is_contactable, false))
    and (not p.valid_demand_tag or l.has_demand_tag or coalesce(c.has_demand_tag, false))
    and (p.valid_minimum_score is null or coalesce(l.score >= p.valid_minimum_score, false))
    and not d.is_repeat
        as is_valid,                                                    -- Whether it is a valid lead by the plan's definition
    d.is_repeat,                                                        -- Whether it is of a person whose other lead counts
    l.is_won,                                                           -- Whether the deal was signed
    l.is_lost,                                                          -- Whether it was given up without a deal
    l.reached_assigned,                                                 -- Whether it got an owner, or further
    l.reached_touched,                                                  -- Whether it was reached, or got further
    l.reached_qualified,                                                -- Whether it was found valid by sales, or got further
    l.reached_met,                                                      -- Whether a meeting took place, or it got further
    l.reached_proposed,                                                 -- Whether an offer was made, or it got further
    l.is_won as reached_won,                                            -- Whether the deal was signed
    l.last_stage,                                                       -- Furthest stage: created, assigned, touched, qualified, met, proposed or won
    case when l.is_lost then l.last_stage end as drop_node,             -- Stage it was given up at; NULL if it was not
    l.lost_reason,                                                      -- Why it was given up, as sales wrote it
    l.score as lead_score,                                              -- Quality score of the lead, 0-100
    hours_between(l.assigned_at, l.first_touch_at) as first_touch_hours, -- Hours from assignment to first touch; NULL where either is missing
    case
        when cast(l.won_at as date) >= cast(l.first_touch_at as date)
        then date_diff('day', cast(l.first_touch_at as date), cast(l.won_at as date))
    end as sales_cycle_days,                                            -- Days from first touch to signature; NULL where either is missing or the touch was entered after the signature
    case
        when cast(l.won_at as date) >= l.created_on then date_diff('day', l.created_on, cast(l.won_at as date))
    end as development_days,                                            -- Days from entry to signature; NULL where it is not signed, or was before it was entered
    m.is_audience,                                                      -- Whether the campaign is meant for the customer, by the plan; NULL where that can't be told
    l.expected_amount,                                                  -- Expected revenue
    p.currency                                                          -- Currency of the amount
from staged as l
cross join plan.settings as p
inner join repeated as d on d.lead_id = l.lead_id
left join known_customers as c on c.source_customer_id = l.customer_id
left join dws.customer_markets as m on m.customer_id = c.customer_id
left join dwd.staff as s on s.staff_id = l.owner_id
