//! What the benchmarks print: lines and tables, as Markdown that reads well as
//! it stands.

use std::fmt::{self, Display};
use std::io::{self, StdoutLock, Write as _};
use std::time::Duration;

/// Standard output, held by this program alone.
pub(crate) struct Report(StdoutLock<'static>);

impl Report {
    pub(crate) fn new() -> Self {
        Self(io::stdout().lock())
    }

    /// Prints a line, at once.
    pub(crate) fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.0, "{text}")?;
        self.0.flush()
    }

    /// Prints a heading.
    pub(crate) fn section(&mut self, title: &str) -> io::Result<()> {
        self.line(format_args!("\n## {title}\n"))
    }

    /// Prints a table between empty lines.
    pub(crate) fn table<const COLUMNS: usize>(&mut self, table: &Table<COLUMNS>) -> io::Result<()> {
        self.line(format_args!("\n{table}"))
    }
}

/// A table. The first column is text, the others are numbers.
pub(crate) struct Table<const COLUMNS: usize>(Vec<[String; COLUMNS]>);

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(crate) fn new(titles: [&str; COLUMNS]) -> Self {
        Self(vec![titles.map(str::to_owned)])
    }

    pub(crate) fn row(&mut self, cells: [String; COLUMNS]) {
        self.0.push(cells);
    }
}

impl<const COLUMNS: usize> Display for Table<COLUMNS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.0.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        };
        let widths: [usize; COLUMNS] = std::array::from_fn(width);
        for (number, row) in self.0.iter().enumerate() {
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                if column == 0 {
                    write!(f, "| {cell:<width$} |")?;
                } else {
                    write!(f, " {cell:>width$} |")?;
                }
            }
            writeln!(f)?;
            if number == 0 {
                write!(f, "|")?;
                for (column, width) in widths.into_iter().enumerate() {
                    let end = if column == 0 { "-" } else { ":" };
                    write!(f, "{}{end}|", "-".repeat(width + 1))?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

/// Milliseconds, with two digits behind the point.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}

/// A whole number, with commas between the thousands.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned() {
        let mut table = Table::new(["query", "ms"]);
        table.row(["q=é".to_owned(), "12.50".to_owned()]);
        table.row(["limit=20".to_owned(), "1.00".to_owned()]);
        assert_eq!(
            table.to_string(),
            "| query    |    ms |\n\
             |----------|------:|\n\
             | q=é      | 12.50 |\n\
             | limit=20 |  1.00 |\n"
        );
    }

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(milliseconds(Duration::from_micros(1234)), "1.23");
        assert_eq!(
            [0.4, 999.0, 1000.0, 1_234_567.0].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
