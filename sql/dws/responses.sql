-- Every survey answer with whom it came from and whom it speaks of.
-- An answer about a member of staff belongs to that person; a customer's other answers belong to the customer's owner;
-- what staff say of anything but each other belongs to who said it. The channel is the one the customer came through.
-- grain: answer_id
-- seed: S0 §3.3, §5.2; F117, F150, F151; I14, I15
with known_customers as (
    select
        k.source_customer_id,
        c.customer_id,
        c.region,
        c.owner_id,
        c.source_channel
    from dwd.customer_links as k
    inner join dwd.customers as c on c.customer_id = k.customer_id
),
placed as (
    select
        a.answer_id,
        a.response_id,
        a.survey_id,
        a.answered_on,
        a.kind,
        a.item,
        a.score,
        a.scale_min,
        a.scale_max,
        a.respondent_kind,
        a.channel as survey_channel,
        c.region,
        c.source_channel,
        case
            when a.about_kind = 'staff' then a.about_id
            when a.respondent_kind = 'staff' and a.kind <> 'peer' then a.respondent_id
            when a.respondent_kind = 'staff' then null
            else c.owner_id
        end as staff_id,
        case when a.respondent_kind = 'customer' then coalesce(c.customer_id, a.respondent_id) else c.customer_id end
            as customer_id,
        a.kind = 'nps' and a.score is not null and coalesce(a.scale_min, 0) = 0 and coalesce(a.scale_max, 10) = 10
            as is_nps
    from dwd.answers as a
    left join known_customers as c
        on c.source_customer_id = a.respondent_id and coalesce(a.respondent_kind, 'customer') = 'customer'
)
select
    a.answer_id,                                                        -- Answer
    a.response_id,                                                      -- Questionnaire it belongs to
    a.survey_id,                                                        -- Survey it belongs to
    a.answered_on,                                                      -- Day it was answered
    a.kind,                                                             -- csat, nps, likert, peer, recall or text
    a.item,                                                             -- Question
    a.score,                                                            -- Number chosen on the scale
    a.scale_min,                                                        -- Lowest number of the scale
    a.scale_max,                                                        -- Highest number of the scale
    case when a.scale_max > a.scale_min then 100 * (a.score - a.scale_min) / (a.scale_max - a.scale_min) end as scaled_score, -- Score as 0 to 100 between the ends of the declared scale
    a.respondent_kind,                                                  -- customer, staff or expert
    a.customer_id,                                                      -- Customer who answered; NULL for staff and experts
    a.source_channel as channel,                                        -- Channel the customer came through
    s.team_id,                                                          -- Team of the member of staff it belongs to
    a.staff_id,                                                         -- Member of staff it belongs to
    a.region,                                                           -- Region of the customer
    s.region as sales_region,                                           -- Region the member of staff sells in
    cast(null as varchar) as product,                                   -- Answers are not known by product
    a.survey_channel,                                                   -- Channel the questionnaire was sent through
    case when a.kind = 'csat' then a.score >= a.scale_max - 1 end as is_topbox, -- Whether satisfaction is one of the top two points of the declared scale; NULL for other questions, without a score, or without a scale
    case when a.is_nps then a.score >= 9 end as is_promoter,            -- Whether a recommendation is 9 or 10 of 0-10; NULL for other questions and scales
    case when a.is_nps then a.score <= 6 end as is_detractor            -- Whether a recommendation is 0 to 6 of 0-10; NULL for other questions and scales
from placed as a
left join dwd.staff as s on s.staff_id = a.staff_id
