-- Cleaners: text in, a value of its type out, NULL for what is blank or can't be read. Text as sent goes through
-- clean_text once; the others take what comes out of it. The ordinary form is looked for first, since a look is cheap
-- and a replacement is not.

-- Full-width letters, digits and marks in their ordinary form; brackets and commas are ordinary in Chinese text.
create macro half_width(x) as
    case
        when regexp_matches(
            x, '[\x{3000}\x{FF0B}\x{FF0D}\x{FF0E}\x{FF10}-\x{FF19}\x{FF20}-\x{FF3A}\x{FF3F}\x{FF41}-\x{FF5A}]'
        )
        then translate(
            x,
            '０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ＠．－＋＿　',
            '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz@.-+_ '
        )
        else x
    end;

-- Text without invisible characters, full-width letters and digits in their ordinary form, trimmed; blank is NULL.
create macro clean_text(x) as
    nullif(
        case
            when regexp_matches(
                x,
                '^[\s\x{00A0}]|[\s\x{00A0}]$|[\x{0001}-\x{0008}\x{00AD}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2069}\x{3000}\x{FEFF}\x{FF0B}\x{FF0D}\x{FF0E}\x{FF10}-\x{FF19}\x{FF20}-\x{FF3A}\x{FF3F}\x{FF41}-\x{FF5A}]'
            )
            then trim(
                half_width(
                    regexp_replace(
                        x, '[\x{0001}-\x{0008}\x{00AD}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2069}\x{FEFF}]', '', 'g'
                    )
                ),
                ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(160)
            )
            else x
        end,
        ''
    );
