-- Why a customer has a tier, in words. A decision is told by the score, the spend of a year against the year before,
-- and what follows.

-- 82.5 -> 82.50; a score that can't be told is said to be missing.
create macro score_zh(score) as coalesce('得分 ' || cast(cast(score as decimal(18, 2)) as varchar), '得分无法判断');

create macro score_en(score) as coalesce('score ' || cast(cast(score as decimal(18, 2)) as varchar), 'no score can be told');

-- The amounts come as text: to write a number out takes longer than all the rest.
create macro yearly_zh(amount_text, before_text, rate, unit) as
    (
        '近 12 个月净消费 ' || amount_text || ' ' || unit
        || case
            when rate is null then '，此前 12 个月没有净消费可比'
            else '，比此前 12 个月的 ' || before_text || ' ' || unit
                || case when rate < 0 then '下降 ' else '增长 ' end || percent_text(abs(rate))
        end
    );

create macro yearly_en(amount_text, before_text, rate, unit) as
    (
        'net spend in 12 months ' || amount_text || ' ' || unit
        || case
            when rate is null then ', with none in the 12 months before to compare'
            else case when rate < 0 then ', down ' else ', up ' end || percent_text(abs(rate))
                || ' from ' || before_text || ' ' || unit
        end
    );

create macro tier_verdict_zh(rule, label, previous_label, upgrade, downgrade) as
    case rule
        when 'entry' then '首次定级为“' || label || '”'
        when 'upgrade' then '由“' || previous_label || '”升为“' || label || '”'
        when 'downgrade' then '由“' || previous_label || '”降为“' || label || '”'
        when 'warned' then '已达降级条件，先预警一期，维持“' || label || '”，应启动挽留方案'
        when 'kept_no_rise' then '得分达到更高一级，但净消费没有增长 ' || percent_text(upgrade) || ' 以上，维持“' || label || '”'
        when 'kept_in_margin' then '得分略低于门槛，仍在缓冲范围内，维持“' || label || '”'
        when 'kept_no_fall' then '得分低于门槛，但净消费没有下降 ' || percent_text(-downgrade) || ' 以上，维持“' || label || '”'
        else '维持“' || label || '”'
    end;

create macro tier_verdict_en(rule, label, previous_label, upgrade, downgrade) as
    case rule
        when 'entry' then 'first rated "' || label || '"'
        when 'upgrade' then 'moved up from "' || previous_label || '" to "' || label || '"'
        when 'downgrade' then 'moved down from "' || previous_label || '" to "' || label || '"'
        when 'warned' then 'due to move down, warned first and kept "' || label || '": time for a retention offer'
        when 'kept_no_rise'
        then 'the score reaches a higher tier, but spend did not rise by ' || percent_text(upgrade) || ' or more, kept "' || label || '"'
        when 'kept_in_margin' then 'the score is just below the cut-off, kept "' || label || '"'
        when 'kept_no_fall'
        then 'the score is below the cut-off, but spend did not fall by ' || percent_text(-downgrade) || ' or more, kept "' || label || '"'
        else 'kept "' || label || '"'
    end;
