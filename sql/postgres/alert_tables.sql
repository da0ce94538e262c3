-- Who has seen which alert: not of a day, so no publication replaces it. Made with the first signals.
create table if not exists ads.alerts (
    alert_id bigint generated always as identity primary key,
    signal_id text not null,
    episode integer not null,
    rule_id text not null,
    alert_level text not null check (alert_level in ('red', 'yellow', 'blue')),
    state text not null check (state in ('open', 'acknowledged', 'resolved')),
    label_zh text,
    label_en text,
    dimension text,
    member text,
    period text,
    value double precision,
    limit_value double precision,
    sentence_zh text,
    sentence_en text,
    signal_kind text,
    owner text not null,
    opened_on date not null,
    last_seen_on date not null,
    resolved_on date,
    raised_at timestamptz not null default now(),
    respond_by timestamptz not null,
    acknowledged_by text,
    acknowledged_at timestamptz,
    note text,
    paused_until date,
    unique (signal_id, episode)
);

create unique index if not exists alerts_one_at_a_time on ads.alerts (signal_id) where state <> 'resolved';

create table if not exists ads.alert_events (
    event_id bigint generated always as identity primary key,
    alert_id bigint not null references ads.alerts (alert_id),
    event text not null,
    as_of date,
    happened_at timestamptz not null default now(),
    alert_level text not null,
    done_by text,
    note text
);

comment on table ads.alerts is '预警状态 · One row per alert and episode: open, acknowledged or resolved. Kept from day to day';
comment on column ads.alerts.alert_id is '预警编号 · Number to acknowledge, pause or reset it by';
comment on column ads.alerts.signal_id is '信号编号 · Rule, subject, dimension and member, as in ads.alert_signals';
comment on column ads.alerts.episode is '第几次 · 1 for the first time it was raised, one more each time it came back';
comment on column ads.alerts.rule_id is '规则编号 · Rule of the plan';
comment on column ads.alerts.alert_level is '预警级别 · red, yellow or blue, as last seen';
comment on column ads.alerts.state is '状态 · open, acknowledged or resolved';
comment on column ads.alerts.label_zh is '预警事项 · What it is about, in Chinese';
comment on column ads.alerts.label_en is '预警事项（英文） · What it is about, in English';
comment on column ads.alerts.dimension is '维度 · Dimension';
comment on column ads.alerts.member is '维度成员 · Member of the dimension';
comment on column ads.alerts.period is '周期 · Period last looked at';
comment on column ads.alerts.value is '数值 · Value last found';
comment on column ads.alerts.limit_value is '限值 · Limit of the level';
comment on column ads.alerts.sentence_zh is '说明 · What is wrong, in Chinese';
comment on column ads.alerts.sentence_en is '说明（英文） · What is wrong, in English';
comment on column ads.alerts.signal_kind is '指标性质 · leading or lagging';
comment on column ads.alerts.owner is '责任人 · Who answers for it';
comment on column ads.alerts.opened_on is '首次报警日期 · Day evaluated on which it was raised';
comment on column ads.alerts.last_seen_on is '最近出现日期 · Last day evaluated on which it was breached';
comment on column ads.alerts.resolved_on is '解除日期 · Day evaluated on which it was over, or the day of its reset';
comment on column ads.alerts.raised_at is '报警时间 · When it was raised, or became graver';
comment on column ads.alerts.respond_by is '响应截止时间 · When it is to be answered by';
comment on column ads.alerts.acknowledged_by is '确认人 · Who took it on: an id or a team';
comment on column ads.alerts.acknowledged_at is '确认时间 · When';
comment on column ads.alerts.note is '备注 · What was said about it last';
comment on column ads.alerts.paused_until is '暂停至 · Nobody is to be bothered with it before this day';
comment on table ads.alert_events is '预警记录 · Whatever happened to an alert: opened, escalated, eased, acknowledged, paused, reset, resolved';
comment on column ads.alert_events.event_id is '记录编号 · In the order they happened';
comment on column ads.alert_events.alert_id is '预警编号 · Alert';
comment on column ads.alert_events.event is '事件 · What happened';
comment on column ads.alert_events.as_of is '评估日期 · Day evaluated; NULL where somebody did it by hand';
comment on column ads.alert_events.happened_at is '发生时间 · When';
comment on column ads.alert_events.alert_level is '预警级别 · Level at the time';
comment on column ads.alert_events.done_by is '操作人 · Who did it; NULL for an evaluation';
comment on column ads.alert_events.note is '备注 · What was said';

revoke all on ads.alerts, ads.alert_events from public, tuoke_reader;
grant select on ads.alerts, ads.alert_events to tuoke_reader;
