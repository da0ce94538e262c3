-- Alerts and their history as Chinese readers see them; the columns are called as their comments begin. Safe to repeat.
drop view if exists ads.alerts_zh;
drop view if exists ads.alert_events_zh;

create view ads.alerts_zh as
select
    a.alert_id as "预警编号",
    a.signal_id as "信号编号",
    a.episode as "第几次",
    a.rule_id as "规则编号",
    case a.alert_level when 'red' then '红色' when 'yellow' then '黄色' when 'blue' then '蓝色' end as "预警级别",
    case a.state when 'open' then '未处理' when 'acknowledged' then '已确认' when 'resolved' then '已解除' end as "状态",
    a.label_zh as "预警事项",
    case a.dimension
        when 'total' then '总计'
        when 'channel' then '渠道'
        when 'team' then '团队'
        when 'staff' then '员工'
        when 'region' then '客户区域'
        when 'sales_region' then '销售区域'
        when 'product' then '产品'
        when 'line' then '预算项'
        when 'category' then '费用类别'
        when 'source' then '数据源'
        when 'risk' then '风险'
        else a.dimension
    end as "维度",
    case a.member when '(all)' then '全部' when '(unknown)' then '未知' when '(shared)' then '共用' else a.member end
        as "维度成员",
    case a.period when 'campaign' then '活动期' when 'baseline' then '基期' else a.period end as "周期",
    a.value as "数值",
    a.limit_value as "限值",
    a.sentence_zh as "说明",
    case a.signal_kind when 'leading' then '领先指标' when 'lagging' then '滞后指标' end as "指标性质",
    a.owner as "责任人",
    a.opened_on as "首次报警日期",
    a.last_seen_on as "最近出现日期",
    a.resolved_on as "解除日期",
    a.raised_at as "报警时间",
    a.respond_by as "响应截止时间",
    a.acknowledged_by as "确认人",
    a.acknowledged_at as "确认时间",
    a.note as "备注",
    a.paused_until as "暂停至"
from ads.alerts as a;

create view ads.alert_events_zh as
select
    e.event_id as "记录编号",
    e.alert_id as "预警编号",
    case e.event
        when 'opened' then '报警'
        when 'escalated' then '升级'
        when 'eased' then '缓和'
        when 'acknowledged' then '确认'
        when 'paused' then '暂停'
        when 'reset' then '重置'
        when 'resolved' then '解除'
        else e.event
    end as "事件",
    e.as_of as "评估日期",
    e.happened_at as "发生时间",
    case e.alert_level when 'red' then '红色' when 'yellow' then '黄色' when 'blue' then '蓝色' end as "预警级别",
    e.done_by as "操作人",
    e.note as "备注"
from ads.alert_events as e;

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
