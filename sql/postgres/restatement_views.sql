-- Restatements as Chinese readers see them. Safe to repeat.
drop view if exists ads.restatements_zh;

create view ads.restatements_zh as
select
    r.restatement_id as "重述编号",
    r.label_zh as "指标名称",
    r.kpi as "指标",
    r.variant as "口径",
    r.old_variant as "原口径",
    case r.period_kind
        when 'day' then '日'
        when 'week' then '周'
        when 'month' then '月'
        when 'quarter' then '季度'
        when 'campaign' then '活动期'
        when 'baseline' then '基期'
        else r.period_kind
    end as "周期类型",
    case r.period when 'campaign' then '活动期' when 'baseline' then '基期' else r.period end as "周期",
    r.period_start as "周期开始",
    r.period_end as "周期结束",
    case r.dimension
        when 'total' then '总计'
        when 'channel' then '渠道'
        when 'team' then '团队'
        when 'staff' then '员工'
        when 'region' then '客户区域'
        when 'sales_region' then '销售区域'
        when 'product' then '产品'
        else r.dimension
    end as "维度",
    case r.member when '(all)' then '全部' when '(unknown)' then '未知' else r.member end as "维度成员",
    r.old_value as "原数值",
    r.new_value as "新数值",
    r.difference as "差额",
    r.difference_rate as "变动率",
    r.reason_zh as "原因",
    r.old_as_of as "原评估日期",
    r.new_as_of as "新评估日期",
    r.is_rerun as "是否同日重跑",
    r.is_expected as "是否正常进展",
    r.journalled_at as "记录时间",
    r.signed_by as "签认人",
    r.signed_at as "签认时间",
    r.note as "备注"
from ads.restatements as r;

revoke all on ads.restatements_zh from public, tuoke_reader;
grant select on ads.restatements_zh to tuoke_reader;
