-- What was spent against what was planned: per budget line, category, channel and team, and in all, by month, quarter
-- and campaign.
-- Every cost of the ledger is charged to one line at most: of the lines for its day, category, channel and team to the
-- one that names most of them, then to the one for fewer days. A cost no line fits is unbudgeted, and counts as spent.
-- A line's amount is spread evenly over its days, and a period has the part of its own days, to the cent.
-- A running period is judged by what was planned for its days so far. Costs that are booked in one go, like wages, run
-- ahead of an even spread without being too much: a line booked on several days is taken to cover as many days as its
-- bookings do at their usual distance, one booked once all of its days. What that is more than the even spread is told
-- apart and is never overspent. Being ahead by less than the plan allows is no warning before the period is over.
-- What is spent on lines that name no channel is the channel (shared), and so with categories and teams: so the actual
-- amounts of a dimension add up to the ledger of the period, which also makes the cost per customer.
-- grain: period_kind, period, dimension, member
-- seed: S4; S0 §5.2; F101, F180, F181; I10, I63
with spans as (
    select
        p.period_kind,
        p.period,
        p.period_start,
        p.period_end,
        case
            when p.period_kind = 'campaign' then s.campaign_end
            when p.period_kind = 'quarter' then cast(p.period_start + interval 3 month as date)
            else cast(p.period_start + interval 1 month as date)
        end as planned_end
    from plan.periods as p
    cross join plan.settings as s
    where p.period_kind in ('month', 'quarter', 'campaign')
),
dimensions as (
    select v.dimension
    from (values ('total'), ('line'), ('category'), ('channel'), ('team')) as v(dimension)
),
fitting as (
    select
        c.cost_id,
        b.budget_id,
        b.category,
        b.channel,
        b.team_id,
        row_number() over (
            partition by c.cost_id
            order by
                case when b.category is null then 0 else 1 end
                + case when b.channel is null then 0 else 1 end
                + case when b.team_id is null then 0 else 1 end desc,
                date_diff('day', b.starts_on, b.ends_on),
                b.budget_id
        ) as place
    from dws.costs as c
    inner join dwd.budgets as b
        on c.spent_on >= b.starts_on
        and c.spent_on <= b.ends_on
        and (b.category is null or b.category = c.category)
        and (b.channel is null or b.channel = c.channel)
        and (b.team_id is null or b.team_id = c.team_id)
),
charged as (
    select
        p.period_kind,
        p.period,
        f.budget_id,
        f.category as line_category,
        f.channel as line_channel,
        f.team_id as line_team_id,
        coalesce(c.category, '(unknown)') as category,
        coalesce(c.channel, '(unknown)') as channel,
        coalesce(c.team_id, '(unknown)') as team_id,
        sum(c.amount) as amount
    from dws.costs as c
    inner join spans as p on c.spent_on >= p.period_start and c.spent_on < p.period_end
    left join fitting as f on f.cost_id = c.cost_id and f.place = 1
    group by
        p.period_kind,
        p.period,
        f.budget_id,
        f.category,
        f.channel,
        f.team_id,
        coalesce(c.category, '(unknown)'),
        coalesce(c.channel, '(unknown)'),
        coalesce(c.team_id, '(unknown)')
),
bookings as (
    select
        p.period_kind,
        p.period,
        f.budget_id,
        count(distinct c.spent_on) as days,
        date_diff('day', min(c.spent_on), max(c.spent_on)) as distance,
        sum(c.amount) as amount
    from dws.costs as c
    inner join fitting as f on f.cost_id = c.cost_id and f.place = 1
    inner join spans as p
        on c.spent_on >= p.period_start
        and c.spent_on < p.period_end
        and p.period_end < p.planned_end
    group by p.period_kind, p.period, f.budget_id
),
spread as (
    select
        p.period_kind,
        p.period,
        b.budget_id,
        b.category,
        b.channel,
        b.team_id,
        spread_before(b.amount, b.starts_on, b.ends_on, p.planned_end)
        - spread_before(b.amount, b.starts_on, b.ends_on, p.period_start) as planned_amount,
        spread_before(b.amount, b.starts_on, b.ends_on, p.period_end)
        - spread_before(b.amount, b.starts_on, b.ends_on, p.period_start) as planned_to_date_amount,
        date_diff('day', greatest(b.starts_on, p.period_start), least(b.ends_on + 1, p.planned_end)) as planned_days
    from dwd.budgets as b
    inner join spans as p on b.starts_on < p.planned_end and b.ends_on >= p.period_start
),
covered as (
    select
        s.*,
        k.amount as booked_amount,
        case
            when k.days > 1
            then least(cast(k.days * k.distance as double) / cast((k.days - 1) * s.planned_days as double), 1)
            else 1
        end as covered_rate
    from spread as s
    left join bookings as k on k.period_kind = s.period_kind and k.period = s.period and k.budget_id = s.budget_id
),
lines as (
    select
        c.period_kind,
        c.period,
        c.budget_id,
        c.category,
        c.channel,
        c.team_id,
        c.planned_amount,
        c.planned_to_date_amount,
        greatest(
            coalesce(
                least(
                    c.booked_amount,
                    cast(round(cast(c.planned_amount as double) * c.covered_rate, 2) as decimal(18, 2))
                ) - c.planned_to_date_amount,
                0
            ),
            0
        ) as booked_ahead_amount
    from covered as c
),
entries as (
    select
        c.period_kind,
        c.period,
        d.dimension,
        case d.dimension
            when 'total' then '(all)'
            when 'line' then coalesce(c.budget_id, '(unbudgeted)')
            when 'category' then case when c.budget_id is null then c.category else coalesce(c.line_category, '(shared)') end
            when 'channel' then case when c.budget_id is null then c.channel else coalesce(c.line_channel, '(shared)') end
            else case when c.budget_id is null then c.team_id else coalesce(c.line_team_id, '(shared)') end
        end as member,
        c.amount as actual_amount,
        case when c.budget_id is null then c.amount else cast(0 as decimal(18, 2)) end as unbudgeted_amount,
        cast(0 as decimal(18, 2)) as ledger_amount,
        cast(null as decimal(18, 2)) as planned_amount,
        cast(null as decimal(18, 2)) as planned_to_date_amount,
        cast(null as decimal(18, 2)) as booked_ahead_amount
    from charged as c
    cross join dimensions as d
    union all
    select
        c.period_kind,
        c.period,
        d.dimension,
        case d.dimension
            when 'total' then '(all)'
            when 'category' then c.category
            when 'channel' then c.channel
            else c.team_id
        end as member,
        cast(0 as decimal(18, 2)) as actual_amount,
        cast(0 as decimal(18, 2)) as unbudgeted_amount,
        c.amount as ledger_amount,
        cast(null as decimal(18, 2)) as planned_amount,
        cast(null as decimal(18, 2)) as planned_to_date_amount,
        cast(null as decimal(18, 2)) as booked_ahead_amount
    from charged as c
    cross join dimensions as d
    where d.dimension <> 'line'
    union all
    select
        l.period_kind,
        l.period,
        d.dimension,
        case d.dimension
            when 'total' then '(all)'
            when 'line' then l.budget_id
            when 'category' then coalesce(l.category, '(shared)')
            when 'channel' then coalesce(l.channel, '(shared)')
            else coalesce(l.team_id, '(shared)')
        end as member,
        cast(0 as decimal(18, 2)) as actual_amount,
        cast(0 as decimal(18, 2)) as unbudgeted_amount,
        cast(0 as decimal(18, 2)) as ledger_amount,
        l.planned_amount,
        l.planned_to_date_amount,
        l.booked_ahead_amount
    from lines as l
    cross join dimensions as d
    union all
    select
        p.period_kind,
        p.period,
        'total' as dimension,
        '(all)' as member,
        cast(0 as decimal(18, 2)) as actual_amount,
        cast(0 as decimal(18, 2)) as unbudgeted_amount,
        cast(0 as decimal(18, 2)) as ledger_amount,
        cast(null as decimal(18, 2)) as planned_amount,
        cast(null as decimal(18, 2)) as planned_to_date_amount,
        cast(null as decimal(18, 2)) as booked_ahead_amount
    from spans as p
),
summed as (
    select
        e.period_kind,
        e.period,
        e.dimension,
        e.member,
        cast(sum(e.actual_amount) as decimal(18, 2)) as actual_amount,
        cast(sum(e.unbudgeted_amount) as decimal(18, 2)) as unbudgeted_amount,
        cast(sum(e.ledger_amount) as decimal(18, 2)) as ledger_amount,
        cast(sum(e.planned_amount) as decimal(18, 2)) as planned_amount,
        cast(sum(e.planned_to_date_amount) as decimal(18, 2)) as planned_to_date_amount,
        cast(sum(e.booked_ahead_amount) as decimal(18, 2)) as booked_ahead_amount
    from entries as e
    group by e.period_kind, e.period, e.dimension, e.member
),
ledger as (
    select
        p.period_kind,
        p.period,
        cast(coalesce(sum(c.amount), 0) as decimal(18, 2)) as amount
    from spans as p
    left join dws.costs as c on c.spent_on >= p.period_start and c.spent_on < p.period_end
    group by p.period_kind, p.period
),
planned_periods as (
    select distinct
        l.period_kind,
        l.period
    from lines as l
),
sources as (
    select
        max(case when s.table_name = 'budgets' then s.state end) as budget_state,
        max(case when s.table_name = 'expenses' then s.state end) as cost_state,
        max(case when s.table_name = 'budgets' then s.reason end) as budget_reason,
        max(case when s.table_name = 'expenses' then s.reason end) as cost_reason,
        max(case when s.table_name = 'budgets' then s.reason_zh end) as budget_reason_zh,
        max(case when s.table_name = 'expenses' then s.reason_zh end) as cost_reason_zh
    from dq.source_states as s
),
judged as (
    select
        m.period_kind,
        m.period,
        p.period_start,
        p.period_end,
        p.period_end < p.planned_end as is_running,
        m.dimension,
        m.member,
        x.period is not null and coalesce(s.budget_state, 'final') <> 'withheld' as is_planned,
        coalesce(s.cost_state, 'final') <> 'withheld' as is_counted,
        s.budget_state,
        s.cost_state,
        s.budget_reason,
        s.cost_reason,
        s.budget_reason_zh,
        s.cost_reason_zh,
        case when coalesce(s.budget_state, 'final') <> 'withheld' then m.planned_amount end as planned_amount,
        case when coalesce(s.budget_state, 'final') <> 'withheld' then m.planned_to_date_amount end
            as planned_to_date_amount,
        case
            when coalesce(s.cost_state, 'final') <> 'withheld' and coalesce(s.budget_state, 'final') <> 'withheld'
            then m.booked_ahead_amount
        end as booked_ahead_amount,
        case when coalesce(s.cost_state, 'final') <> 'withheld' then m.actual_amount end as actual_amount,
        case
            when coalesce(s.cost_state, 'final') <> 'withheld'
                and coalesce(s.budget_state, 'final') <> 'withheld'
                and x.period is not null
            then m.unbudgeted_amount
        end as unbudgeted_amount,
        case when coalesce(s.cost_state, 'final') <> 'withheld' and m.dimension <> 'line' then m.ledger_amount end
            as ledger_amount,
        sum(m.actual_amount) over (partition by m.period_kind, m.period, m.dimension) = g.amount as is_reconciled
    from summed as m
    inner join spans as p on p.period_kind = m.period_kind and p.period = m.period
    inner join ledger as g on g.period_kind = m.period_kind and g.period = m.period
    left join planned_periods as x on x.period_kind = m.period_kind and x.period = m.period
    cross join sources as s
),
rated as (
    select
        j.*,
        case
            when not j.is_planned or not j.is_counted then null
            when j.planned_amount is null and j.actual_amount > 0 then 'unbudgeted'
            when j.planned_amount is null then null
            when j.actual_amount > j.planned_amount
                and j.actual_amount >= j.planned_amount + j.planned_amount * cast(b.overspend_rate as decimal(9, 6))
            then 'overspent'
            when j.actual_amount > j.planned_amount * cast(b.warning_from as decimal(9, 6)) then 'warning'
            else 'on_plan'
        end as budget_status,
        j.planned_to_date_amount + j.booked_ahead_amount as due_amount,
        cast(j.actual_amount as double) / nullif(cast(j.planned_amount as double), 0) as utilisation_rate,
        cast(j.actual_amount as double) / nullif(cast(j.planned_to_date_amount as double), 0) as to_date_rate,
        b.overspend_rate
    from judged as j
    cross join plan.budget as b
),
told as (
    select
        r.*,
        case
            when r.budget_status is null or r.budget_status = 'unbudgeted' then r.budget_status
            when r.actual_amount > r.due_amount
                and r.actual_amount >= r.due_amount + r.due_amount * cast(r.overspend_rate as decimal(9, 6))
            then 'overspent'
            else r.budget_status
        end as to_date_status,
        r.actual_amount - r.planned_to_date_amount as to_date_variance_amount,
        r.actual_amount > r.planned_to_date_amount and r.booked_ahead_amount > 0 as is_booked_ahead
    from rated as r
),
categories as (
    select
        v.category,
        v.label_zh,
        v.label_en
    from (
        values
            ('labour', '人力', 'Labour'),
            ('media', '媒体投放', 'Media'),
            ('material', '物料', 'Material'),
            ('event', '活动', 'Events'),
            ('commission', '佣金', 'Commission'),
            ('other', '其他', 'Other')
    ) as v(category, label_zh, label_en)
)
select
    t.period_kind,                                                      -- campaign, quarter or month
    t.period,                                                           -- 2026-11, 2026-Q4 or campaign
    t.period_start,                                                     -- First day of the period
    t.period_end,                                                       -- First day after the period; of a running one, the day after the day evaluated
    t.is_running,                                                       -- Whether days of the period are still to come
    t.dimension,                                                        -- total, line, category, channel or team
    t.member,                                                           -- Budget line, category, channel or team; (all) of total, (unbudgeted) of line, (shared) where lines name none, (unknown) where unbudgeted costs name none
    case
        when t.member = '(all)' then '总计'
        when t.member = '(unbudgeted)' then '预算外支出'
        when t.member = '(shared)' then '共用预算'
        when t.member = '(unknown)' then '未注明'
        when t.dimension = 'line'
        then coalesce(k.label_zh, '各类别') || '/' || coalesce(h.label_zh, l.channel, '各渠道') || '/' || coalesce(l.team_id, '各团队')
        else coalesce(k.label_zh, h.label_zh, t.member)
    end as label_zh,                                                    -- Name in Chinese
    case
        when t.member = '(all)' then 'Total'
        when t.member = '(unbudgeted)' then 'Outside the budget'
        when t.member = '(shared)' then 'Shared budget'
        when t.member = '(unknown)' then 'Not named'
        when t.dimension = 'line'
        then coalesce(k.label_en, 'All categories') || ' / ' || coalesce(h.label_en, l.channel, 'all channels') || ' / ' || coalesce(l.team_id, 'all teams')
        else coalesce(k.label_en, h.label_en, t.member)
    end as label_en,                                                    -- Name in English
    t.planned_amount,                                                   -- Budget of the whole period, also of its days to come; NULL where there is none
    t.planned_to_date_amount,                                           -- Part of it for the days so far, a line spread evenly over its days
    t.booked_ahead_amount,                                              -- What bookings made in one go cover of the plan beyond that part, as wages do; 0 of an ended period
    t.actual_amount,                                                    -- Spent in the period so far: charged to lines of the member, or unbudgeted
    t.unbudgeted_amount,                                                -- Part of it that no line fits
    t.ledger_amount,                                                    -- All costs of the member in the ledger, also those charged to (shared); of lines NULL
    t.actual_amount - t.planned_amount as variance_amount,              -- Actual less planned for the whole period: above 0 is over the budget
    t.utilisation_rate - 1 as variance_rate,                            -- Variance / planned for the whole period
    t.utilisation_rate,                                                 -- Actual / planned for the whole period
    t.to_date_variance_amount,                                          -- Actual less planned for the days so far: above 0 is ahead of the plan; of an ended period as variance_amount
    t.to_date_rate - 1 as to_date_variance_rate,                        -- That / planned for the days so far
    t.overspend_rate,                                                   -- More than planned by so much is overspent, as the plan says
    t.budget_status,                                                    -- Against the whole period: on_plan, warning, overspent; unbudgeted where money was spent without a plan; NULL with a reason
    t.to_date_status,                                                   -- Against the days so far and bookings ahead, in the same words: what alerts go by; of an ended period as budget_status
    p.currency,                                                         -- Currency of the amounts
    t.is_reconciled,                                                    -- Whether the actual amounts of the dimension add up to the cost ledger of the period
    case
        when not t.is_counted or not t.is_planned then 'withheld'
        when t.cost_state = 'provisional' or t.budget_state = 'provisional' then 'provisional'
        else 'final'
    end as state,                                                       -- final, provisional or withheld, as the worst of budgets and expenses
    case
        when not t.is_counted then '费用数据不可用：' || coalesce(t.cost_reason_zh, t.cost_state)
        when t.budget_state = 'withheld' then '预算数据不可用：' || coalesce(t.budget_reason_zh, t.budget_state)
        when not t.is_planned then '本周期没有预算'
        when t.planned_amount is null and t.actual_amount = 0 then '费用记在共用预算中'
        when t.planned_amount is null then '没有对应的预算'
        when t.cost_state = 'provisional' then '费用数据未达标：' || coalesce(t.cost_reason_zh, t.cost_state)
        when t.budget_state = 'provisional' then '预算数据未达标：' || coalesce(t.budget_reason_zh, t.budget_state)
    end as reason_zh,                                                   -- Why it is not final or has no status, in Chinese; NULL when there is nothing to say
    case
        when not t.is_counted then 'expenses: ' || coalesce(t.cost_reason, t.cost_state)
        when t.budget_state = 'withheld' then 'budgets: ' || coalesce(t.budget_reason, t.budget_state)
        when not t.is_planned then 'the period has no budget'
        when t.planned_amount is null and t.actual_amount = 0 then 'its costs are charged to shared lines'
        when t.planned_amount is null then 'no budget is for it'
        when t.cost_state = 'provisional' then 'expenses: ' || coalesce(t.cost_reason, t.cost_state)
        when t.budget_state = 'provisional' then 'budgets: ' || coalesce(t.budget_reason, t.budget_state)
    end as reason_en,                                                   -- The same in English
    case
        when t.budget_status is null then null
        when t.budget_status = 'unbudgeted' then '没有预算，已支出 ' || money_text(t.actual_amount) || ' ' || p.currency_zh || '。'
        when t.is_running
        then '截至当日计划 ' || money_text(t.planned_to_date_amount) || ' ' || p.currency_zh
            || '，已支出 ' || money_text(t.actual_amount) || ' ' || p.currency_zh
            || case
                when t.to_date_variance_amount > 0
                then '，超前 ' || money_text(t.to_date_variance_amount) || ' ' || p.currency_zh
                when t.to_date_variance_amount < 0
                then '，少 ' || money_text(-t.to_date_variance_amount) || ' ' || p.currency_zh
                else '，与计划一致'
            end
            || case
                when t.to_date_variance_amount <> 0 and t.planned_to_date_amount > 0
                then '（' || percent_text(abs(t.to_date_rate - 1)) || '）'
                else ''
            end
            || case
                when t.is_booked_ahead
                then '；扣除集中入账、对应后续日期的 ' || money_text(t.booked_ahead_amount) || ' ' || p.currency_zh || '后'
                else ''
            end
            || case
                when t.to_date_status = 'overspent' then '，达到或超过允许的 ' || percent_text(t.overspend_rate)
                when t.actual_amount > t.due_amount then '，未达到 ' || percent_text(t.overspend_rate) || ' 的超支线'
                when t.is_booked_ahead then '不超前'
                else ''
            end
            || case
                when t.actual_amount > t.planned_amount then '，已超出全期预算'
                when t.budget_status = 'warning' then '，接近全期预算'
                else ''
            end
            || case
                when t.planned_amount > 0
                then '；为全期预算 ' || money_text(t.planned_amount) || ' ' || p.currency_zh
                    || '的 ' || percent_text(t.utilisation_rate)
                else ''
            end
            || '。'
        else '预算 ' || money_text(t.planned_amount) || ' ' || p.currency_zh
            || '，已支出 ' || money_text(t.actual_amount) || ' ' || p.currency_zh
            || case when t.planned_amount > 0 then '，使用率 ' || percent_text(t.utilisation_rate) else '' end
            || case t.budget_status
                when 'overspent' then '，超支 ' || money_text(t.actual_amount - t.planned_amount) || ' ' || p.currency_zh
                    || '，达到或超过允许的 ' || percent_text(t.overspend_rate) || '。'
                when 'warning'
                then case when t.actual_amount > t.planned_amount then '，已超出预算，尚未达到 ' else '，接近预算，超出 ' end
                    || percent_text(t.overspend_rate) || case when t.actual_amount > t.planned_amount then ' 的超支线。' else ' 即为超支。' end
                else '，在预算之内。'
            end
    end as sentence_zh,                                                 -- What it comes to, in Chinese, in numbers
    case
        when t.budget_status is null then null
        when t.budget_status = 'unbudgeted' then money_text(t.actual_amount) || ' ' || p.currency || ' spent without a budget.'
        when t.is_running
        then money_text(t.actual_amount) || ' ' || p.currency || ' spent so far against '
            || money_text(t.planned_to_date_amount) || ' planned so far'
            || case
                when t.to_date_variance_amount > 0 then ', ' || money_text(t.to_date_variance_amount) || ' more'
                when t.to_date_variance_amount < 0 then ', ' || money_text(-t.to_date_variance_amount) || ' less'
                else ', as planned'
            end
            || case
                when t.to_date_variance_amount <> 0 and t.planned_to_date_amount > 0
                then ' (' || percent_text(abs(t.to_date_rate - 1)) || ')'
                else ''
            end
            || case
                when t.is_booked_ahead
                then '; without the ' || money_text(t.booked_ahead_amount) || ' booked at once for days to come it is '
                else ''
            end
            || case when t.actual_amount > t.due_amount and not t.is_booked_ahead then ', which is ' else '' end
            || case
                when t.to_date_status = 'overspent' then percent_text(t.overspend_rate) || ' or more ahead'
                when t.actual_amount > t.due_amount then 'less than ' || percent_text(t.overspend_rate) || ' ahead'
                when t.is_booked_ahead then 'not ahead'
                else ''
            end
            || case
                when t.actual_amount > t.planned_amount then ', and above the whole budget'
                when t.budget_status = 'warning' then ', and close to the whole budget'
                else ''
            end
            || case
                when t.planned_amount > 0
                then '; ' || percent_text(t.utilisation_rate) || ' of the whole period''s budget of ' || money_text(t.planned_amount)
                else ''
            end
            || '.'
        else money_text(t.actual_amount) || ' of ' || money_text(t.planned_amount) || ' ' || p.currency || ' spent'
            || case when t.planned_amount > 0 then ' (' || percent_text(t.utilisation_rate) || ')' else '' end
            || case t.budget_status
                when 'overspent' then ', over by ' || money_text(t.actual_amount - t.planned_amount) || ' ' || p.currency
                    || ', which is ' || percent_text(t.overspend_rate) || ' or more.'
                when 'warning'
                then case when t.actual_amount > t.planned_amount then ', over the budget by less than ' else ', close to the budget; overspent from ' end
                    || percent_text(t.overspend_rate) || case when t.actual_amount > t.planned_amount then '.' else ' above it.' end
                else ', within the budget.'
            end
    end as sentence_en                                                  -- The same in English
from told as t
cross join plan.settings as p
left join dwd.budgets as l on t.dimension = 'line' and l.budget_id = t.member
left join categories as k
    on k.category = case when t.dimension = 'line' then l.category when t.dimension = 'category' then t.member end
left join plan.channels as h
    on h.channel = case when t.dimension = 'line' then l.channel when t.dimension = 'channel' then t.member end
