-- Alerts whose signal is gone are resolved; one the day can't judge stays as it is.
with over_now as (
    update ads.alerts as a
    set state = 'resolved', resolved_on = %(as_of)s
    where
        a.state <> 'resolved'
        and not exists (
            select from ads.alert_signals as s where s.as_of = %(as_of)s and s.signal_id = a.signal_id
        )
    returning a.alert_id, a.alert_level
)
insert into ads.alert_events (alert_id, event, as_of, alert_level)
select o.alert_id, 'resolved', %(as_of)s, o.alert_level
from over_now as o
order by o.alert_id
