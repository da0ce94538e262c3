-- Alerts and their history as Chinese readers see them; the columns are called as their comments begin. What is in braces
-- are columns of ads.alert_signals, in the words of its Chinese view. Safe to repeat.
drop view if exists ads.alerts_zh;
drop view if exists ads.alert_events_zh;

create view ads.alerts_zh as
select
    t.alert_id as "预警编号",
    t.signal_id as "信号编号",
    t.episode as "第几次",
    t.rule_id as "规则编号",
    {alert_level} as "预警级别",
    case t.state when 'open' then '未处理' when 'acknowledged' then '已确认' when 'resolved' then '已解除' end as "状态",
    t.label_zh as "预警事项",
    {dimension} as "维度",
    {member} as "维度成员",
    {period} as "周期",
    t.value as "数值",
    t.limit_value as "限值",
    t.sentence_zh as "说明",
    {signal_kind} as "指标性质",
    {owner} as "责任人",
    t.opened_on as "首次报警日期",
    t.last_seen_on as "最近出现日期",
    t.resolved_on as "解除日期",
    t.raised_at as "报警时间",
    t.respond_by as "响应截止时间",
    t.acknowledged_by as "确认人",
    t.acknowledged_at as "确认时间",
    t.note as "备注",
    t.paused_until as "暂停至"
from ads.alerts as t;

create view ads.alert_events_zh as
select
    t.event_id as "记录编号",
    t.alert_id as "预警编号",
    case t.event
        when 'opened' then '报警'
        when 'escalated' then '升级'
        when 'eased' then '缓和'
        when 'acknowledged' then '确认'
        when 'paused' then '暂停'
        when 'reset' then '重置'
        when 'resolved' then '解除'
        else t.event
    end as "事件",
    t.as_of as "评估日期",
    t.happened_at as "发生时间",
    {alert_level} as "预警级别",
    t.done_by as "操作人",
    t.note as "备注"
from ads.alert_events as t;

do $$
declare
    named record;
begin
    for named in
        select v.attrelid::regclass as shown, v.attname as chinese, col_description(t.attrelid, t.attnum) as told
        from (values ('ads.alerts'), ('ads.alert_events')) as n (name)
        inner join pg_attribute as t on t.attrelid = n.name::regclass and t.attnum > 0 and not t.attisdropped
        inner join pg_attribute as v
            on v.attrelid = (n.name || '_zh')::regclass
            and v.attname = split_part(col_description(t.attrelid, t.attnum), ' · ', 1)
    loop
        execute format('comment on column %s.%I is %L', named.shown, named.chinese, named.told);
    end loop;
end
$$;

revoke all on ads.alerts_zh, ads.alert_events_zh from public, tuoke_reader;
grant select on ads.alerts_zh, ads.alert_events_zh to tuoke_reader;
