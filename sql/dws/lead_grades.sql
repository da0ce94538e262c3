-- The quality of every lead, A to D, by what is known of it while it is open: the score the source sent, whether the
-- campaign is meant for the customer, how much of the form is filled in, and how often it came by itself.
-- A part that can't be told of a lead is left out and the others share its weight; a field, or a kind of contact, that no
-- lead has is asked of none. A grade does not rest on what it is to foretell: contacts count around the day of entry and
-- never after the lead was won or lost, and whom the campaign is meant for is asked only of customers who were on record
-- when the lead was entered, since most of the others are there because they bought. A lead of which less can be told
-- than the plan asks for has no grade. A grade is as good as the sources it was made of: contacts and customers, where
-- they tell of the lead; where the leads themselves are below their floor there is none. A part whose source is below its
-- floor tells nothing.
-- grain: lead_id
-- seed: S0 §1.1; S1 表1, 表3; S4 客户周期; F087; X31
with has as (
    select
        max(case when is_given(l.name) then 1 else 0 end) = 1 as name,
        max(case when is_given(l.phone) then 1 else 0 end) = 1 as phone,
        max(case when is_given(l.email) then 1 else 0 end) = 1 as email,
        max(case when is_given(l.company) then 1 else 0 end) = 1 as company,
        max(case when is_given(l.demand_tag) then 1 else 0 end) = 1 as demand_tag,
        max(case when is_given(l.product) then 1 else 0 end) = 1 as product
    from dwd.leads as l
),
asks as (
    select
        p.asks_name and coalesce(h.name, false) as name,
        p.asks_phone and coalesce(h.phone, false) as phone,
        p.asks_email and coalesce(h.email, false) as email,
        p.asks_company and coalesce(h.company, false) as company,
        p.asks_demand_tag and coalesce(h.demand_tag, false) as demand_tag,
        p.asks_product and coalesce(h.product, false) as product
    from has as h
    cross join plan.lead_grading as p
),
forms as (
    select
        l.lead_id,
        case when a.name then 1 else 0 end
        + case when a.phone then 1 else 0 end
        + case when a.email then 1 else 0 end
        + case when a.company then 1 else 0 end
        + case when a.demand_tag then 1 else 0 end
        + case when a.product then 1 else 0 end as fields_asked,
        case when a.name and is_given(l.name) then 1 else 0 end
        + case when a.phone and is_given(l.phone) then 1 else 0 end
        + case when a.email and is_given(l.email) then 1 else 0 end
        + case when a.company and is_given(l.company) then 1 else 0 end
        + case when a.demand_tag and is_given(l.demand_tag) then 1 else 0 end
        + case when a.product and is_given(l.product) then 1 else 0 end as fields_given
    from dwd.leads as l
    cross join asks as a
),
contacts as (
    select
        t.lead_id,
        t.occurred_on,
        t.occurred_at
    from dws.touches as t
    where t.is_own_accord and t.lead_id is not null
    union all
    select
        l.lead_id,
        t.occurred_on,
        t.occurred_at
    from dws.touches as t
    inner join dws.lead_journey as l on l.customer_id = t.customer_id
    where t.is_own_accord and t.lead_id is null
),
came as (
    select
        l.lead_id,
        count(*) as contacts
    from dws.lead_journey as l
    cross join plan.lead_grading as p
    inner join contacts as c
        on c.lead_id = l.lead_id
        and date_diff('day', l.created_on, c.occurred_on) >= -p.days
        and date_diff('day', l.created_on, c.occurred_on) <= p.days
        and (l.won_at is null or c.occurred_at <= l.won_at)
        and (l.won_at is not null or l.lost_at is null or c.occurred_at <= l.lost_at)
    group by l.lead_id
),
recorded as (
    select count(*) > 0 as is_recorded
    from came as c
),
sources as (
    select
        coalesce(max(case when s.table_name = 'leads' then s.state end), 'final') as lead_state,
        coalesce(max(case when s.table_name = 'customers' then s.state end), 'final') as customer_state,
        coalesce(max(case when s.table_name = 'interactions' then s.state end), 'final') as contact_state,
        max(case when s.table_name = 'leads' then s.reason end) as lead_reason,
        max(case when s.table_name = 'customers' then s.reason end) as customer_reason,
        max(case when s.table_name = 'interactions' then s.reason end) as contact_reason,
        max(case when s.table_name = 'leads' then s.reason_zh end) as lead_reason_zh,
        max(case when s.table_name = 'customers' then s.reason_zh end) as customer_reason_zh,
        max(case when s.table_name = 'interactions' then s.reason_zh end) as contact_reason_zh
    from dq.source_states as s
),
known as (
    select
        l.lead_id,
        f.fields_given,
        f.fields_asked,
        case when r.is_recorded and q.contact_state <> 'withheld' then coalesce(v.contacts, 0) end as contacts,
        l.lead_score as source_points,
        cast(
            case
                when q.customer_state = 'withheld' then null
                when c.created_on <= l.created_on and l.is_audience then 100
                when c.created_on <= l.created_on and not l.is_audience then 0
            end as double
        ) as fit_points,
        100 * cast(f.fields_given as double) / nullif(cast(f.fields_asked as double), 0) as form_points,
        case
            when r.is_recorded and q.contact_state <> 'withheld'
            then 100 * least(cast(coalesce(v.contacts, 0) as double) / cast(p.full_contacts as double), cast(1 as double))
        end as behaviour_points
    from dws.lead_journey as l
    cross join plan.lead_grading as p
    cross join recorded as r
    cross join sources as q
    inner join forms as f on f.lead_id = l.lead_id
    left join came as v on v.lead_id = l.lead_id
    left join dwd.customers as c on c.customer_id = l.customer_id
),
weighed as (
    select
        k.*,
        case when k.source_points is null then 0 else p.source_weight end
        + case when k.fit_points is null then 0 else p.fit_weight end
        + case when k.form_points is null then 0 else p.form_weight end
        + case when k.behaviour_points is null then 0 else p.behaviour_weight end as told_weight,
        p.source_weight + p.fit_weight + p.form_weight + p.behaviour_weight as whole_weight
    from known as k
    cross join plan.lead_grading as p
),
scored as (
    select
        w.*,
        round(w.told_weight / nullif(w.whole_weight, 0), 6) as told_share,
        round(
            (
                coalesce(w.source_points, 0) * p.source_weight
                + coalesce(w.fit_points, 0) * p.fit_weight
                + coalesce(w.form_points, 0) * p.form_weight
                + coalesce(w.behaviour_points, 0) * p.behaviour_weight
            ) / nullif(w.told_weight, 0),
            6
        ) as grade_score
    from weighed as w
    cross join plan.lead_grading as p
),
graded as (
    select
        s.*,
        p.least_told,
        q.lead_state <> 'withheld' and s.told_share >= p.least_told as has_grade,
        case
            when s.grade_score >= p.a_from then 'A'
            when s.grade_score >= p.b_from then 'B'
            when s.grade_score >= p.c_from then 'C'
            else 'D'
        end as grade
    from scored as s
    cross join plan.lead_grading as p
    cross join sources as q
)
select
    l.lead_id,                                                          -- Lead
    l.customer_id,                                                      -- Customer it belongs to
    l.channel,                                                          -- Channel it came through
    l.campaign_id,                                                      -- Campaign activity that brought it
    l.team_id,                                                          -- Team of its owner
    l.staff_id,                                                         -- Owner, the member of staff who works it
    l.region,                                                           -- Region of the customer
    l.sales_region,                                                     -- Region the owner sells in
    l.product,                                                          -- Product it asks about
    l.created_on,                                                       -- Day it was entered
    l.last_stage,                                                       -- Furthest stage: created, assigned, touched, qualified, met, proposed or won
    l.is_won,                                                           -- Whether the deal was signed
    l.is_lost,                                                          -- Whether it was given up without a deal; neither won nor lost is still to be worked on
    case when g.has_grade then g.grade end as grade,                    -- A, B, C or D, A the best; NULL where too little can be told or the leads are withheld
    case when g.has_grade then g.grade_score end as grade_score,        -- Points of the parts that can be told, weighted by the plan, 0-100; NULL where there is no grade
    g.source_points,                                                    -- Score the source sent, 0-100; NULL where it sent none
    g.fit_points,                                                       -- 100 where the campaign is meant for the customer, 0 where not; NULL where that can't be told, or could not at entry
    g.form_points,                                                      -- Part of the form that is filled in, 0-100
    g.behaviour_points,                                                 -- How often it came by itself, 0-100; NULL where no contact of any lead is recorded
    cast(g.fields_given as bigint) as fields_given,                     -- Fields of the form that are filled in
    cast(g.fields_asked as bigint) as fields_asked,                     -- Fields the plan asks for, of those any lead has
    cast(g.contacts as bigint) as contacts,                             -- Contacts it made or came to around the day of entry
    g.told_share,                                                       -- Part of the weight whose parts can be told, 0-1
    case
        when q.lead_state = 'withheld' then '线索数据质量低于底线，暂不评级。'
        when not g.has_grade
        then '暂不评级：可评部分占权重的 ' || percent_text(g.told_share) || '，要求不低于 ' || percent_text(g.least_told) || '。'
        else g.grade || ' 级（' || tenth_text(g.grade_score) || ' 分）：' || concat_ws(
            '，',
            case when g.source_points is not null then '来源评分 ' || tenth_text(g.source_points) end,
            case when g.fit_points = 100 then '属于目标客户' when g.fit_points = 0 then '不属于目标客户' end,
            '信息填写 ' || cast(g.fields_given as varchar) || '/' || cast(g.fields_asked as varchar) || ' 项',
            case when g.contacts is not null then '主动互动 ' || cast(g.contacts as varchar) || ' 次' end
        ) || '。'
    end as sentence_zh,                                                 -- Why this grade, in Chinese
    case
        when q.lead_state = 'withheld' then 'No grade: the quality of the leads is below its floor.'
        when not g.has_grade
        then 'No grade: ' || percent_text(g.told_share) || ' of the weights can be told, asked are at least '
            || percent_text(g.least_told) || '.'
        else 'Grade ' || g.grade || ', ' || tenth_text(g.grade_score) || ' points: ' || concat_ws(
            ', ',
            case when g.source_points is not null then 'source score ' || tenth_text(g.source_points) end,
            case when g.fit_points = 100 then 'in the target group' when g.fit_points = 0 then 'not in the target group' end,
            cast(g.fields_given as varchar) || ' of ' || things_en(g.fields_asked, 'field') || ' filled in',
            case when g.contacts is not null then 'came by itself ' || things_en(g.contacts, 'time') end
        ) || '.'
    end as sentence_en,                                                 -- Why this grade, in English
    case
        when not g.has_grade then 'withheld'
        when q.lead_state = 'provisional'
            or (g.contacts is not null and q.contact_state = 'provisional')
            or (g.fit_points is not null and q.customer_state = 'provisional')
        then 'provisional'
        else 'final'
    end as state,                                                       -- final, provisional or withheld, as the worst source it is made of
    nullif(
        concat_ws(
            '; ',
            case when q.lead_state <> 'final' then 'leads: ' || coalesce(q.lead_reason, q.lead_state) end,
            case
                when g.told_share < g.least_told
                then percent_text(g.told_share) || ' of the weights can be told, asked are at least '
                    || percent_text(g.least_told)
            end,
            case
                when g.contacts is not null and q.contact_state = 'provisional'
                then 'interactions: ' || coalesce(q.contact_reason, q.contact_state)
            end,
            case
                when g.fit_points is not null and q.customer_state = 'provisional'
                then 'customers: ' || coalesce(q.customer_reason, q.customer_state)
            end
        ),
        ''
    ) as reason,                                                        -- Why it is not final; NULL when there is nothing to say
    nullif(
        concat_ws(
            '；',
            case
                when q.lead_state <> 'final'
                then '线索：' || coalesce(
                    q.lead_reason_zh,
                    case when q.lead_state = 'withheld' then '暂不公布' else '暂定' end
                )
            end,
            case
                when g.told_share < g.least_told
                then '可评部分占权重的 ' || percent_text(g.told_share) || '，要求不低于 ' || percent_text(g.least_told)
            end,
            case
                when g.contacts is not null and q.contact_state = 'provisional'
                then '互动：' || coalesce(q.contact_reason_zh, '暂定')
            end,
            case
                when g.fit_points is not null and q.customer_state = 'provisional'
                then '客户：' || coalesce(q.customer_reason_zh, '暂定')
            end
        ),
        ''
    ) as reason_zh                                                      -- The same in Chinese
from dws.lead_journey as l
inner join graded as g on g.lead_id = l.lead_id
cross join sources as q
