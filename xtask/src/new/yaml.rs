//! Adding to YAML as text: comments and line breaks stay as they are.

/// Adds lines at the end of the block that begins with the line `heading`;
/// `None` if there is no such line.
pub(super) fn append(text: &mut String, heading: &str, lines: &str) -> Option<()> {
    let end = end_of(text, heading)?;
    let gap = if text[..end].ends_with('\n') {
        ""
    } else {
        "\n"
    };
    text.insert_str(end, &format!("{gap}{lines}"));
    Some(())
}

/// The end of a block: of its last line that is not blank and indented further
/// than the heading.
fn end_of(text: &str, heading: &str) -> Option<usize> {
    let depth = indentation(heading);
    let mut at = 0;
    let mut end = None;
    for line in text.split_inclusive('\n') {
        at += line.len();
        let line = line.trim_end();
        if end.is_none() {
            end = (line == heading).then_some(at);
        } else if !line.is_empty() {
            if indentation(line) <= depth {
                break;
            }
            end = Some(at);
        }
    }
    end
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(text: &str, heading: &str) -> Option<String> {
        let mut text = text.to_owned();
        append(&mut text, heading, "    new\n")?;
        Some(text)
    }

    #[test]
    fn lines_go_behind_the_last_one_of_the_block() {
        let list = "  - name: a\n    x: 1\n\n    y: 2\n\n  # b\n  - name: b\n    x: 3";
        assert_eq!(
            appended(list, "  - name: a").unwrap(),
            "  - name: a\n    x: 1\n\n    y: 2\n    new\n\n  # b\n  - name: b\n    x: 3"
        );
        assert_eq!(
            appended(list, "  - name: b").unwrap(),
            format!("{list}\n    new\n")
        );
        assert_eq!(appended(list, "- name: a"), None);
    }
}
