-- How likely it is that a customer is leaving: a score of 0 to 100 out of the indicators that can be told of the customer.
-- The score is the weighted mean of their risks. Where those that can be told weigh too little there is none, and it says
-- so. Who has churned already is past a warning. The three indicators that add most to the score are its reasons.
-- grain: customer_id
-- seed: S4 流失预警干预; S2 §04; S3 二(四); F144, F147; I39
with whole as (
    select sum(millionths(i.weight)) as weight
    from plan.churn_indicators as i
),
told as (
    select
        i.customer_id,
        i.indicator,
        i.value,
        i.observed,
        i.compared_with,
        n.position,
        millionths(n.weight) as weight,
        millionths(n.weight) * risk_of(i.value, n.calm, n.alarm) as weighted_risk
    from dws.churn_indicators as i
    inner join plan.churn_indicators as n on n.indicator = i.indicator
),
scored as (
    select
        t.customer_id,
        count(*) as indicators_told,
        sum(t.weight) as told_weight,
        sum(t.weighted_risk) as weighted_risk
    from told as t
    group by t.customer_id
),
rated as (
    select
        s.customer_id,
        s.indicators_told,
        round(cast(s.told_weight as double) / cast(w.weight as double), 6) as told_share,
        round(100 * cast(s.weighted_risk as double) / nullif(cast(s.told_weight as double), 0), 1) as score
    from scored as s
    cross join whole as w
),
judged as (
    select
        c.customer_id,
        l.recency_days,
        coalesce(r.indicators_told, 0) as indicators_told,
        case when l.last_ordered_on is not null then coalesce(r.told_share, 0) end as told_share,
        case when coalesce(r.told_share, 0) >= p.least_told_share then r.score end as churn_score,
        case
            when l.last_ordered_on is null then 'no_order'
            when l.class_id = 'lifecycle_churned' then 'gone'
            when r.score is null or r.told_share < p.least_told_share then 'unknown'
            when r.score >= p.warned_from then 'warned'
            when r.score >= p.watched_from then 'watch'
            else 'calm'
        end as stage
    from dwd.customers as c
    cross join plan.churn as p
    inner join dws.customer_lifecycle as l on l.customer_id = c.customer_id
    left join rated as r on r.customer_id = c.customer_id
),
ranked as (
    select
        t.customer_id,
        t.indicator,
        t.value,
        t.observed,
        t.compared_with,
        row_number() over (
            partition by t.customer_id order by t.weighted_risk desc nulls last, t.position asc nulls last
        ) as position
    from told as t
    where t.weighted_risk > 0
),
spoken as (
    select
        r.customer_id,
        r.indicator,
        r.position,
        n.label_zh,
        n.label_en,
        cast(p.recent_months as varchar) as recent_months_zh,
        things_en(p.recent_months, 'month') as recent_months_en,
        cast(p.before_months as varchar) as before_months_zh,
        things_en(p.before_months, 'month') as before_months_en,
        cast(p.whole_months as varchar) as whole_months_zh,
        things_en(p.whole_months, 'month') as whole_months_en,
        cast(p.answer_hours as varchar) as answer_hours,
        s.currency,
        s.currency_zh,
        tenth_text(r.value) as value_text,
        percent_text(r.value) as value_rate_text,
        cast(round(r.observed, 0) as bigint) as observed_count,
        cast(cast(round(r.observed, 0) as bigint) as varchar) as observed_text,
        cast(round(r.compared_with, 0) as bigint) as compared_count,
        cast(cast(round(r.compared_with, 0) as bigint) as varchar) as compared_text,
        tenth_text(r.observed) as observed_tenth,
        tenth_text(r.compared_with) as compared_tenth,
        case when r.indicator in ('order_value_fall', 'refund_share') then money_text(r.observed) end as observed_money,
        case when r.indicator in ('order_value_fall', 'refund_share') then money_text(r.compared_with) end
            as compared_money
    from ranked as r
    inner join plan.churn_indicators as n on n.indicator = r.indicator
    cross join plan.churn as p
    cross join plan.settings as s
    where r.position <= 3
),
worded as (
    select
        s.customer_id,
        s.indicator,
        s.position,
        case s.indicator
            when 'overdue' then '已 ' || s.observed_text || ' 天未下单，平时平均每 ' || s.compared_tenth || ' 天一次'
            when 'order_frequency_fall'
            then '近 ' || s.recent_months_zh || ' 个月下单 ' || s.observed_text || ' 次，此前 '
                || s.before_months_zh || ' 个月 ' || s.compared_text || ' 次'
            when 'order_value_fall'
            then '近 ' || s.recent_months_zh || ' 个月客单价 ' || s.observed_money || ' ' || s.currency_zh
                || '，此前 ' || s.before_months_zh || ' 个月 ' || s.compared_money || ' ' || s.currency_zh
            when 'activity_fall'
            then '近 ' || s.recent_months_zh || ' 个月主动参与 ' || s.observed_text || ' 次，此前 '
                || s.before_months_zh || ' 个月 ' || s.compared_text || ' 次'
            when 'login_fall'
            then '近 ' || s.recent_months_zh || ' 个月登录和访问官网 ' || s.observed_text || ' 次，此前 '
                || s.before_months_zh || ' 个月 ' || s.compared_text || ' 次'
            when 'complaint_rise'
            then '近 ' || s.recent_months_zh || ' 个月投诉 ' || s.observed_text || ' 次，此前 '
                || s.before_months_zh || ' 个月 ' || s.compared_text || ' 次'
            when 'unanswered'
            then '近 ' || s.whole_months_zh || ' 个月 ' || s.compared_text || ' 次请求中有 '
                || s.observed_text || ' 次未在 ' || s.answer_hours || ' 小时内答复'
            when 'nps_low' then '最近一次推荐意愿打 ' || s.observed_text || ' 分（满分 10 分）'
            when 'csat_low'
            then '最近一次满意度打 ' || s.observed_tenth || ' 分（满分 ' || s.compared_text || ' 分）'
            when 'payment_delay'
            then '近 ' || s.recent_months_zh || ' 个月付款平均比平时晚 ' || s.observed_tenth
                || ' 天，平时 ' || s.compared_tenth || ' 天付清'
            when 'refund_share'
            then '近 ' || s.whole_months_zh || ' 个月退款 ' || s.observed_money || ' ' || s.currency_zh
                || '，占销售额的 ' || s.value_rate_text
            when 'breadth'
            then '近 ' || s.whole_months_zh || ' 个月只买过 ' || s.observed_text || ' 种产品'
            else s.label_zh || '：' || s.value_text
        end as reason_zh,
        case s.indicator
            when 'overdue'
            then 'no order for ' || things_en(s.observed_count, 'day') || ', usually one every ' || s.compared_tenth
                || ' days'
            when 'order_frequency_fall'
            then things_en(s.observed_count, 'order') || ' in the last ' || s.recent_months_en || ', '
                || s.compared_text || ' in the ' || s.before_months_en || ' before'
            when 'order_value_fall'
            then 'mean order ' || s.observed_money || ' ' || s.currency || ' in the last '
                || s.recent_months_en || ', ' || s.compared_money || ' ' || s.currency || ' in the '
                || s.before_months_en || ' before'
            when 'activity_fall'
            then 'active ' || things_en(s.observed_count, 'time') || ' in the last ' || s.recent_months_en || ', '
                || s.compared_text || ' in the ' || s.before_months_en || ' before'
            when 'login_fall'
            then 'logged in or visited the site ' || things_en(s.observed_count, 'time') || ' in the last '
                || s.recent_months_en || ', ' || s.compared_text || ' in the ' || s.before_months_en || ' before'
            when 'complaint_rise'
            then things_en(s.observed_count, 'complaint') || ' in the last ' || s.recent_months_en || ', '
                || s.compared_text || ' in the ' || s.before_months_en || ' before'
            when 'unanswered'
            then s.observed_text || ' of ' || things_en(s.compared_count, 'request') || ' of the last '
                || s.whole_months_en || ' not answered within ' || s.answer_hours || ' hours'
            when 'nps_low' then 'last recommendation ' || s.observed_text || ' of 10'
            when 'csat_low' then 'last satisfaction ' || s.observed_tenth || ' of ' || s.compared_text
            when 'payment_delay'
            then 'paid ' || s.observed_tenth || ' days later than usual in the last '
                || s.recent_months_en || ', usually after ' || s.compared_tenth || ' days'
            when 'refund_share'
            then 'refunds of ' || s.observed_money || ' ' || s.currency || ' in the last '
                || s.whole_months_en || ', ' || s.value_rate_text || ' of sales'
            when 'breadth'
            then 'bought only ' || things_en(s.observed_count, 'product') || ' in the last ' || s.whole_months_en
            else s.label_en || ': ' || s.value_text
        end as reason_en
    from spoken as s
),
reasons as (
    select
        w.customer_id,
        max(w.indicator) filter (where w.position = 1) as reason_1_id,
        max(w.reason_zh) filter (where w.position = 1) as reason_1_zh,
        max(w.reason_en) filter (where w.position = 1) as reason_1_en,
        max(w.indicator) filter (where w.position = 2) as reason_2_id,
        max(w.reason_zh) filter (where w.position = 2) as reason_2_zh,
        max(w.reason_en) filter (where w.position = 2) as reason_2_en,
        max(w.indicator) filter (where w.position = 3) as reason_3_id,
        max(w.reason_zh) filter (where w.position = 3) as reason_3_zh,
        max(w.reason_en) filter (where w.position = 3) as reason_3_en
    from worded as w
    group by w.customer_id
),
explained as (
    select
        j.customer_id,
        j.recency_days,
        j.indicators_told,
        j.told_share,
        j.churn_score,
        j.stage,
        case when j.churn_score is not null then r.reason_1_id end as reason_1_id,
        case when j.churn_score is not null then r.reason_1_zh end as reason_1_zh,
        case when j.churn_score is not null then r.reason_1_en end as reason_1_en,
        case when j.churn_score is not null then r.reason_2_id end as reason_2_id,
        case when j.churn_score is not null then r.reason_2_zh end as reason_2_zh,
        case when j.churn_score is not null then r.reason_2_en end as reason_2_en,
        case when j.churn_score is not null then r.reason_3_id end as reason_3_id,
        case when j.churn_score is not null then r.reason_3_zh end as reason_3_zh,
        case when j.churn_score is not null then r.reason_3_en end as reason_3_en
    from judged as j
    left join reasons as r on r.customer_id = j.customer_id
)
select
    e.customer_id,                                                      -- Customer
    'churn_' || e.stage as class_id,                                    -- churn_warned, _watch, _calm, _unknown, _gone or _no_order
    case
        when e.stage in ('no_order', 'gone') then e.stage
        when e.stage = 'unknown' then 'least_told_share'
        when e.stage = 'warned' then 'warned_from'
        else 'watched_from'
    end as rule_id,                                                     -- What decided: no_order, gone, or the limit of the plan: least_told_share, warned_from or watched_from
    k.label_zh,                                                         -- Name of the class in Chinese
    k.label_en,                                                         -- Name of the class in English
    e.stage = 'warned' as is_warned,                                    -- Whether the customer is warned of
    e.churn_score,                                                      -- 0 to 100, 100 the likeliest to leave; NULL with too little known
    case
        when e.churn_score is not null then null
        when e.stage = 'no_order' then 'no_order'
        else 'too_little_told'
    end as unscored_reason,                                             -- Why there is no score: no_order or too_little_told; NULL where there is one
    e.indicators_told,                                                  -- Indicators that can be told of the customer
    e.told_share,                                                       -- Their weight as part of all weight, 0-1; NULL for who never ordered
    e.reason_1_id,                                                      -- Indicator that adds most to the score; NULL where none adds any
    e.reason_1_zh,                                                      -- The same in words, in Chinese, with the customer's own numbers
    e.reason_1_en,                                                      -- The same in words, in English, with the customer's own numbers
    e.reason_2_id,                                                      -- Indicator that adds second most
    e.reason_2_zh,                                                      -- The same in words, in Chinese
    e.reason_2_en,                                                      -- The same in words, in English
    e.reason_3_id,                                                      -- Indicator that adds third most
    e.reason_3_zh,                                                      -- The same in words, in Chinese
    e.reason_3_en,                                                      -- The same in words, in English
    case e.stage
        when 'no_order' then '尚未下单，谈不上流失。'
        when 'gone' then '最近一次下单在' || days_ago_zh(e.recency_days) || '，已经流失。'
        when 'unknown'
        then '有依据的指标只占权重的 ' || percent_text(e.told_share) || '，不足以评分。'
        else '流失评分 ' || tenth_text(e.churn_score) || '，'
            || case e.stage
                when 'warned' then '达到预警线 ' || p.warned_from_text
                when 'watch' then '达到留意线 ' || p.watched_from_text
                else '低于留意线 ' || p.watched_from_text
            end
            || coalesce('：' || e.reason_1_zh, '')
            || coalesce('；' || e.reason_2_zh, '')
            || coalesce('；' || e.reason_3_zh, '') || '。'
    end as sentence_zh,                                                 -- Why, in Chinese, with the customer's own numbers
    case e.stage
        when 'no_order' then 'No order yet, so nothing to leave.'
        when 'gone' then 'Last order ' || days_ago_en(e.recency_days) || ': gone already.'
        when 'unknown'
        then 'What can be told makes up only ' || percent_text(e.told_share) || ' of the weight, too little for a score.'
        else 'Churn score ' || tenth_text(e.churn_score) || ', '
            || case e.stage
                when 'warned' then 'at or above the warning line of ' || p.warned_from_text
                when 'watch' then 'at or above the watching line of ' || p.watched_from_text
                else 'below the watching line of ' || p.watched_from_text
            end
            || coalesce(': ' || e.reason_1_en, '')
            || coalesce('; ' || e.reason_2_en, '')
            || coalesce('; ' || e.reason_3_en, '') || '.'
    end as sentence_en                                                  -- Why, in English, with the customer's own numbers
from explained as e
cross join plan.churn as p
inner join plan.segment_classes as k on k.scheme = 'churn' and k.class_id = 'churn_' || e.stage
