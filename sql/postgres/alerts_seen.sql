-- Alerts that are still breached say what was found today. One that became graver is open again, whoever had taken the
-- milder one on, and its time begins anew.
with signals as (
    select s.*, array_position(array['red', 'yellow', 'blue'], s.alert_level) as gravity
    from ads.alert_signals as s
    where s.as_of = %(as_of)s and s.is_judged
),
standing as (
    select
        a.alert_id,
        s.gravity < array_position(array['red', 'yellow', 'blue'], a.alert_level) as is_graver,
        s.gravity > array_position(array['red', 'yellow', 'blue'], a.alert_level) as is_milder
    from ads.alerts as a
    inner join signals as s on s.signal_id = a.signal_id
    where a.state <> 'resolved'
),
seen as (
    update ads.alerts as a
    set
        alert_level = s.alert_level,
        label_zh = s.label_zh,
        label_en = s.label_en,
        period = s.period,
        value = s.value,
        limit_value = s.limit_value,
        sentence_zh = s.sentence_zh,
        sentence_en = s.sentence_en,
        signal_kind = s.signal_kind,
        owner = s.owner,
        last_seen_on = s.as_of,
        state = case when t.is_graver then 'open' else a.state end,
        raised_at = case when t.is_graver then now() else a.raised_at end,
        respond_by = case when t.is_graver then now() + s.response_hours * interval '1 hour' else a.respond_by end,
        acknowledged_by = case when t.is_graver then null else a.acknowledged_by end,
        acknowledged_at = case when t.is_graver then null else a.acknowledged_at end
    from standing as t, signals as s
    where t.alert_id = a.alert_id and s.signal_id = a.signal_id
    returning a.alert_id, a.alert_level, t.is_graver, t.is_milder
)
insert into ads.alert_events (alert_id, event, as_of, alert_level)
select
    n.alert_id,
    case when n.is_graver then 'escalated' else 'eased' end,
    %(as_of)s,
    n.alert_level
from seen as n
where n.is_graver or n.is_milder
order by n.alert_id
