-- What somebody did to an alert by hand. No row where there is no such alert, or its episode is over.
with changed as (
    update ads.alerts as a
    set
        state = case %(event)s when 'acknowledged' then 'acknowledged' when 'reset' then 'resolved' else a.state end,
        acknowledged_by = case when %(event)s = 'acknowledged' then %(done_by)s else a.acknowledged_by end,
        acknowledged_at = case when %(event)s = 'acknowledged' then now() else a.acknowledged_at end,
        resolved_on = case when %(event)s = 'reset' then a.last_seen_on end,
        paused_until = case when %(event)s = 'paused' then %(until)s::date else a.paused_until end,
        note = coalesce(%(note)s, a.note)
    where a.alert_id = %(alert_id)s and a.state <> 'resolved'
    returning a.alert_id, a.alert_level, a.label_zh, a.label_en
),
told as (
    insert into ads.alert_events (alert_id, event, alert_level, done_by, note)
    select c.alert_id, %(event)s, c.alert_level, %(done_by)s, %(note)s
    from changed as c
)
select c.label_zh, c.label_en
from changed as c
