-- The stage of life of every customer: prospect, new, growing, mature, at risk, silent or churned.
-- The wait since the last order decides first: churned, then silent, then at risk; then how long ago the first order was;
-- then how net spend moved between the last months and as many before; a fall counts only of who ordered as often in
-- them as makes a rhythm. Who does none of it is mature.
-- grain: customer_id
-- seed: S2 §04; S4 客户周期; S3 一(三), 二(五); F142, F146; I24
with spend as (
    select
        s.customer_id,
        sum(s.net_amount) filter (where s.ordered_on > p.trend_start) as late_amount,
        sum(s.net_amount) filter (where s.ordered_on <= p.trend_start) as before_amount,
        count(*) filter (where not s.is_refund) as trend_orders
    from dws.sales as s
    cross join plan.lifecycle as p
    where s.ordered_on > p.trend_before_start
    group by s.customer_id
),
measured as (
    select
        c.customer_id,
        w.first_ordered_on,
        w.ordered_on as last_ordered_on,
        date_diff('day', w.first_ordered_on, $as_of) as age_days,
        date_diff('day', w.ordered_on, $as_of) as recency_days,
        w.order_days,
        w.usual_gap_days,
        w.at_risk_on,
        w.silent_on,
        w.churned_on,
        w.is_held_back,
        cast(coalesce(s.late_amount, 0) as decimal(18, 2)) as late_amount,
        cast(coalesce(s.before_amount, 0) as decimal(18, 2)) as before_amount,
        coalesce(s.trend_orders, 0) as trend_orders
    from dwd.customers as c
    left join dws.customer_waits as w on w.customer_id = c.customer_id and w.ended_on is null
    left join spend as s on s.customer_id = c.customer_id
),
ruled as (
    select
        m.*,
        case
            when m.last_ordered_on is null then 'no_order'
            when m.churned_on <= $as_of and m.is_held_back then 'churned_by_rhythm'
            when m.churned_on <= $as_of then 'churned_by_calendar'
            when m.silent_on <= $as_of and m.usual_gap_days is not null then 'silent_by_rhythm'
            when m.silent_on <= $as_of then 'silent_by_calendar'
            when m.at_risk_on <= $as_of then 'at_risk_by_rhythm'
            when m.first_ordered_on > p.new_after then 'first_order'
            when m.trend_orders >= p.rhythm_order_days
                and m.before_amount > 0
                and cast(m.late_amount as double) <= cast(m.before_amount as double) * (1 - p.at_risk_fall)
            then 'spend_fell'
            when m.late_amount > 0
                and cast(m.late_amount as double) >= cast(m.before_amount as double) * (1 + p.growing_from)
            then 'spend_rose'
            else 'steady'
        end as rule_id
    from measured as m
    cross join plan.lifecycle as p
),
classed as (
    select
        r.*,
        'lifecycle_' || case r.rule_id
            when 'no_order' then 'prospect'
            when 'churned_by_rhythm' then 'churned'
            when 'churned_by_calendar' then 'churned'
            when 'silent_by_rhythm' then 'silent'
            when 'silent_by_calendar' then 'silent'
            when 'at_risk_by_rhythm' then 'at_risk'
            when 'spend_fell' then 'at_risk'
            when 'first_order' then 'new'
            when 'spend_rose' then 'growing'
            else 'mature'
        end as class_id,
        case when r.rule_id in ('spend_fell', 'spend_rose', 'steady') then money_text(r.late_amount) end as late_text,
        case when r.rule_id in ('spend_fell', 'spend_rose', 'steady') then money_text(r.before_amount) end as before_text,
        case
            when r.before_amount > 0
            then cast(r.late_amount * 100 as double) / cast(r.before_amount * 100 as double) - 1
        end as change_rate
    from ruled as r
)
select
    m.customer_id,                                                      -- Customer
    m.class_id,                                                         -- Stage: lifecycle_prospect, _new, _growing, _mature, _at_risk, _silent or _churned
    m.rule_id,                                                          -- What decided: no_order, churned_by_calendar, churned_by_rhythm, silent_by_calendar, silent_by_rhythm, at_risk_by_rhythm, first_order, spend_fell, spend_rose or steady
    k.label_zh,                                                         -- Name of the stage in Chinese
    k.label_en,                                                         -- Name of the stage in English
    m.first_ordered_on,                                                 -- Day of the first order; NULL if there is none
    m.last_ordered_on,                                                  -- Day of the last order; NULL if there is none
    m.recency_days,                                                     -- Days since the last order; NULL if there is none
    m.order_days,                                                       -- Days with an order ever; NULL if there is none
    m.usual_gap_days,                                                   -- The customer's rhythm: mean days between order days; NULL with too few of them
    m.at_risk_on,                                                       -- Day from which on the wait is a risk if nothing is ordered; NULL without a rhythm
    m.silent_on,                                                        -- Day from which on the customer is silent if nothing is ordered; NULL without an order
    m.churned_on,                                                       -- Day from which on the customer is churned if nothing is ordered; NULL without an order
    m.late_amount,                                                      -- Net spend of the plan's last months
    m.before_amount,                                                    -- Net spend of as many months before
    p.currency,                                                         -- Currency of the amounts
    m.change_rate,                                                      -- Change of the net spend, 0.2 for a fifth more; NULL where nothing was spent before
    case m.rule_id
        when 'no_order' then '尚未下单，处于获客阶段。'
        when 'first_order'
        then '首次下单在' || days_ago_zh(m.age_days) || '，不满 ' || cast(l.new_months as varchar) || ' 个月。'
        when 'spend_fell'
        then '近 ' || cast(l.trend_months as varchar) || ' 个月净消费 ' || m.late_text || ' ' || p.currency_zh || '，比此前 '
            || cast(l.trend_months as varchar) || ' 个月的 ' || m.before_text || ' ' || p.currency_zh || '下降 '
            || percent_text(-m.change_rate) || '。'
        when 'spend_rose'
        then '近 ' || cast(l.trend_months as varchar) || ' 个月净消费 ' || m.late_text || ' ' || p.currency_zh || '，'
            || case
                when m.change_rate is null then '此前 ' || cast(l.trend_months as varchar) || ' 个月没有净消费。'
                else '比此前 ' || cast(l.trend_months as varchar) || ' 个月的 ' || m.before_text || ' ' || p.currency_zh
                    || '增长 ' || percent_text(m.change_rate) || '。'
            end
        when 'steady'
        then '最近一次下单在' || days_ago_zh(m.recency_days) || '，近 ' || cast(l.trend_months as varchar) || ' 个月净消费 '
            || m.late_text || ' ' || p.currency_zh || '，此前 ' || cast(l.trend_months as varchar) || ' 个月 '
            || m.before_text || ' ' || p.currency_zh || '，没有明显升降。'
        else '最近一次下单在' || days_ago_zh(m.recency_days) || '，'
            || case m.rule_id
                when 'churned_by_calendar' then '已满 ' || cast(l.churned_months as varchar) || ' 个月未下单。'
                when 'silent_by_calendar' then '已满 ' || cast(l.silent_months as varchar) || ' 个月未下单。'
                else '平时平均每 ' || tenth_text(m.usual_gap_days) || ' 天下单一次，'
                    || case m.rule_id
                        when 'churned_by_rhythm'
                        then '已满 ' || cast(l.churned_months as varchar) || ' 个月，并达到自身间隔的 '
                            || l.churned_gaps_text || ' 倍。'
                        when 'silent_by_rhythm' then '已达到自身间隔的 ' || l.silent_gaps_text || ' 倍。'
                        else '已达到自身间隔的 ' || l.at_risk_gaps_text || ' 倍。'
                    end
            end
    end as sentence_zh,                                                 -- Why, in Chinese, with the customer's own numbers
    case m.rule_id
        when 'no_order' then 'No order yet: still to be won.'
        when 'first_order'
        then 'First order ' || days_ago_en(m.age_days) || ', less than ' || things_en(l.new_months, 'month') || ' back.'
        when 'spend_fell'
        then 'Net spend of the last ' || things_en(l.trend_months, 'month') || ' is ' || m.late_text || ' ' || p.currency
            || ', ' || percent_text(-m.change_rate) || ' less than the ' || m.before_text || ' ' || p.currency
            || ' of the ' || things_en(l.trend_months, 'month') || ' before.'
        when 'spend_rose'
        then 'Net spend of the last ' || things_en(l.trend_months, 'month') || ' is ' || m.late_text || ' ' || p.currency
            || case
                when m.change_rate is null then ', with none in the ' || things_en(l.trend_months, 'month') || ' before.'
                else ', ' || percent_text(m.change_rate) || ' more than the ' || m.before_text || ' ' || p.currency
                    || ' of the ' || things_en(l.trend_months, 'month') || ' before.'
            end
        when 'steady'
        then 'Last order ' || days_ago_en(m.recency_days) || '; net spend of the last '
            || things_en(l.trend_months, 'month') || ' is ' || m.late_text || ' ' || p.currency || ', of the '
            || things_en(l.trend_months, 'month') || ' before ' || m.before_text || ' ' || p.currency
            || ': no marked rise or fall.'
        else 'Last order ' || days_ago_en(m.recency_days) || ', '
            || case m.rule_id
                when 'churned_by_calendar' then 'none for ' || things_en(l.churned_months, 'month') || ' or longer.'
                when 'silent_by_calendar' then 'none for ' || things_en(l.silent_months, 'month') || ' or longer.'
                else 'usually one every ' || tenth_text(m.usual_gap_days) || ' days: '
                    || case m.rule_id
                        when 'churned_by_rhythm'
                        then things_en(l.churned_months, 'month') || ' have passed and ' || l.churned_gaps_text
                            || ' of their own gaps.'
                        when 'silent_by_rhythm' then l.silent_gaps_text || ' of their own gaps have passed.'
                        else l.at_risk_gaps_text || ' of their own gaps have passed.'
                    end
            end
    end as sentence_en                                                  -- Why, in English, with the customer's own numbers
from classed as m
cross join plan.settings as p
cross join plan.lifecycle as l
inner join plan.segment_classes as k on k.scheme = 'lifecycle' and k.class_id = m.class_id
