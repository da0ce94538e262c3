-- A signal that is raised and has no alert gets one: a new episode where it had one before, paused as long as that was.
with raised as (
    insert into ads.alerts (
        signal_id, episode, rule_id, alert_level, state, label_zh, label_en, dimension, member, period, value,
        limit_value, sentence_zh, sentence_en, signal_kind, owner, opened_on, last_seen_on, respond_by, paused_until
    )
    select
        s.signal_id,
        coalesce(b.episode, 0) + 1,
        s.rule_id,
        s.alert_level,
        'open',
        s.label_zh,
        s.label_en,
        s.dimension,
        s.member,
        s.period,
        s.value,
        s.limit_value,
        s.sentence_zh,
        s.sentence_en,
        s.signal_kind,
        s.owner,
        s.as_of,
        s.as_of,
        now() + s.response_hours * interval '1 hour',
        case when b.paused_until > s.as_of then b.paused_until end
    from ads.alert_signals as s
    left join lateral (
        select a.episode, a.paused_until
        from ads.alerts as a
        where a.signal_id = s.signal_id
        order by a.episode desc
        limit 1
    ) as b on true
    where
        s.as_of = %(as_of)s
        and s.is_raised
        and not exists (select from ads.alerts as a where a.signal_id = s.signal_id and a.state <> 'resolved')
    order by s.signal_id
    returning alert_id, alert_level
)
insert into ads.alert_events (alert_id, event, as_of, alert_level)
select r.alert_id, 'opened', %(as_of)s, r.alert_level
from raised as r
order by r.alert_id
