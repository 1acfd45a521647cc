//! The summary: titles, and statements with the time of their first source beside them.

use super::block::PageBuilder;
use super::outline::OutlineEntry;
use super::page::{Look, QUIET};
use super::speech::{AFTER_LEGEND, ASIDE, BETWEEN_PARAGRAPHS, BETWEEN_SEGMENTS, BODY, LEGEND, NAME};
use crate::ExportError;
use crate::labels::Labels;
use crate::paragraphs::single_line;
use crate::summary::{Summary, SummaryStatement};

impl PageBuilder<'_, '_> {
    /// Places `summary` below its heading. Returns its entry of the outline.
    pub(super) fn summary(
        &mut self,
        summary: &Summary,
        labels: &Labels,
    ) -> Result<OutlineEntry, ExportError> {
        let position = self.heading(&labels.summary, 3.0 * BODY.leading)?;
        let mut outline = OutlineEntry::new(&labels.summary, position);
        if summary.sections.is_empty() {
            let block = self.block(&labels.no_summary, BODY)?;
            self.place(block, 0.0)?;
            return Ok(outline);
        }
        let origin = self.block(&summary.origin(labels), LEGEND)?;
        self.place(origin, 0.0)?;
        self.y += AFTER_LEGEND;
        for (index, section) in summary.sections.iter().enumerate() {
            let title = single_line(&section.title);
            let heading = self.block(&title, NAME)?;
            let space = if index == 0 { 0.0 } else { BETWEEN_PARAGRAPHS };
            self.keep_together(space + heading.full_height() + 2.0 * BODY.leading);
            let place = self.place(heading, space)?;
            outline.children.push(OutlineEntry::new(&title, place));
            for statement in &section.statements {
                self.statement(statement, labels)?;
            }
        }
        Ok(outline)
    }

    fn statement(&mut self, statement: &SummaryStatement, labels: &Labels) -> Result<(), ExportError> {
        let aside = Look { scale: ASIDE, ..Look::plain(QUIET) };
        let look = if statement.found { BODY.look } else { Look { colour: QUIET, ..BODY.look } };
        let text = single_line(&statement.text);
        let (first, others) = match statement.sources.split_first() {
            Some((first, others)) => (Some(first), others),
            None => (None, &[][..]),
        };
        let mut aside_text: Vec<String> = others.iter().map(|source| source.start.to_string()).collect();
        aside_text.extend(Some(statement.remarks(labels)).filter(|remarks| !remarks.is_empty()));
        let aside_text = match aside_text.is_empty() {
            true => String::new(),
            false => format!("  {}", aside_text.join(" · ")),
        };
        let mut block = self.rich_block(&[(&text, look), (&aside_text, aside)], BODY, 0.0)?;
        if let Some(first) = first {
            block.label = Some(self.time(&first.start.to_string())?);
        }
        self.place(block, BETWEEN_SEGMENTS)?;
        Ok(())
    }
}
