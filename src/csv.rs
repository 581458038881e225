//! Fields of CSV (RFC 4180) that a spreadsheet takes for what they are. Pure.
//!
//! Never in here: which columns there are.

/// What a spreadsheet takes for the begin of a formula and works out. Names of files come from anywhere.
const BEGINS_FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A text as one field: quoted where it must be, with an apostrophe in front where it would be a formula.
#[must_use]
pub fn text(text: &str) -> String {
    let guard = if text.starts_with(BEGINS_FORMULA) { "'" } else { "" };
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The fields of one record, by RFC 4180.
    fn fields(record: &str) -> Vec<String> {
        let mut fields = vec![String::new()];
        let mut is_quoted = false;
        let mut letters = record.chars().peekable();
        while let Some(letter) = letters.next() {
            let field = fields.last_mut().unwrap();
            match letter {
                '"' if is_quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => fields.push(String::new()),
                letter => field.push(letter),
            }
        }
        fields
    }

    #[test]
    fn a_text_is_one_field_and_no_formula_whatever_is_in_it() {
        for (name, field) in [
            ("720/Films", "720/Films"),
            ("", ""),
            ("720/a,b", "\"720/a,b\""),
            ("720/a\"b", "\"720/a\"\"b\""),
            ("720/a\nb", "\"720/a\nb\""),
            ("720/a\r\nb", "\"720/a\r\nb\""),
            ("720/a'b;c", "720/a'b;c"),
            ("映画", "映画"),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("=1,=2", "\"'=1,=2\""),
            ("+1", "'+1"),
            ("-x", "'-x"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("a=1", "a=1"),
            ("'=1", "'=1"),
        ] {
            assert_eq!(text(name), field, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(texts in prop::collection::vec("[=+@a,\"\n\r\t' -]{0,8}|\\PC{0,8}", 1..5)) {
            let record: Vec<String> = texts.iter().map(|it| text(it)).collect();
            let read = fields(&record.join(","));
            prop_assert_eq!(read.len(), texts.len());
            for (read, written) in read.iter().zip(&texts) {
                prop_assert!(!read.starts_with(BEGINS_FORMULA));
                prop_assert!(read == written || read.strip_prefix('\'') == Some(written));
            }
        }
    }
}
