//! A page: a heading, and below it the facts, each with its name.

/// A page that is being written.
pub(super) struct Page(String);

impl Page {
    /// A page with this heading.
    pub(super) fn new(heading: &str) -> Self {
        Self(format!("{heading}\n"))
    }

    /// A fact.
    pub(super) fn line(&mut self, name: &str, value: impl AsRef<str>) {
        let name = format!("{name}:");
        self.0.push_str(format!("  {name:<18} {}", value.as_ref()).trim_end());
        self.0.push('\n');
    }

    /// A fact that is told only if there is something to tell.
    pub(super) fn line_if(&mut self, name: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.line(name, value);
        }
    }

    /// A list of numbers under a name of its own.
    pub(super) fn counts<'a>(
        &mut self,
        name: &str,
        counts: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        self.0.push_str(&format!("  {name}:\n"));
        for (name, count) in counts {
            self.0.push_str(&format!("    {:<18} {count:>12}\n", format!("{name}:")));
        }
    }

    /// Lines under a name of their own.
    pub(super) fn list(&mut self, name: &str, lines: impl IntoIterator<Item = String>) {
        self.0.push_str(&format!("  {name}:\n"));
        for line in lines {
            self.0.push_str(&format!("    {line}\n"));
        }
    }

    /// The whole page.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}
