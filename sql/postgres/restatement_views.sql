-- Restatements as Chinese readers see them. What is in braces are columns of ads.kpi_values, in the words of its
-- Chinese view. Safe to repeat.
drop view if exists ads.restatements_zh;

create view ads.restatements_zh as
select
    t.restatement_id as "重述编号",
    t.label_zh as "指标名称",
    t.kpi as "指标",
    t.variant as "口径",
    t.old_variant as "原口径",
    {period_kind} as "周期类型",
    {period} as "周期",
    t.period_start as "周期开始",
    t.period_end as "周期结束",
    {dimension} as "维度",
    {member} as "维度成员",
    t.old_value as "原数值",
    t.new_value as "新数值",
    t.difference as "差额",
    t.difference_rate as "变动率",
    t.reason_zh as "原因",
    t.old_as_of as "原评估日期",
    t.new_as_of as "新评估日期",
    t.is_rerun as "是否同日重跑",
    t.is_expected as "是否正常进展",
    t.journalled_at as "记录时间",
    t.signed_by as "签认人",
    t.signed_at as "签认时间",
    t.note as "备注"
from ads.restatements as t;

revoke all on ads.restatements_zh from public, tuoke_reader;
grant select on ads.restatements_zh to tuoke_reader;
