-- Alerts, the gravest first: those nobody has taken on before those somebody has.
-- grain: alert_id
select
    a.alert_id,
    a.alert_level,
    a.state,
    a.label_zh,
    a.label_en,
    a.sentence_zh,
    a.sentence_en,
    a.owner,
    a.opened_on,
    a.respond_by,
    a.state = 'open' and a.respond_by < now() as is_overdue,
    a.paused_until,
    a.acknowledged_by,
    a.note,
    a.episode
from ads.alerts as a
where %(everything)s or a.state <> 'resolved'
order by
    a.state = 'resolved',
    array_position(array['red', 'yellow', 'blue'], a.alert_level),
    a.state = 'acknowledged',
    a.alert_id
