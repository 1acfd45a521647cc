//! The note that users wrote, as events of CommonMark without anything that a file must not contain.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// The events of `note`, a text in CommonMark. HTML becomes text, a picture becomes its description, and a link that is
/// not to a web page or a mail address becomes its text. No event has a kind that needs an extension.
pub(crate) fn events(note: &str) -> impl Iterator<Item = Event<'_>> {
    // Whether each open link is kept: links are not nested, but pictures within links are.
    let mut kept = Vec::new();
    Parser::new_ext(note, Options::empty()).filter_map(move |event| match event {
        Event::Html(html) | Event::InlineHtml(html) => Some(Event::Text(html)),
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Link { ref dest_url, .. }) => {
            kept.push(is_safe(dest_url));
            (kept.last() == Some(&true)).then_some(event)
        }
        Event::End(TagEnd::Link) => (kept.pop() == Some(true)).then_some(event),
        other => Some(other),
    })
}

/// Whether `address` is one of a web page or a mail address.
fn is_safe(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once(':') else { return false };
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => rest.starts_with("//"),
        "mailto" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_to_pages_and_mail_are_kept_and_html_is_text() {
        let note = "[a](javascript:alert(1)) [b](https://example.org/?q=1&r) [c](MAILTO:x@example.org) [d](#e) \
                    [f](data:text/html,x) ![pic](https://example.org/x.png) <b onclick=x>bold</b> <vbscript:x>\n\n\
                    <script>\nalert(1)\n</script>\n\n[![in](x.png)](java\u{0}script:x)";
        let (mut text, mut links) = (String::new(), Vec::new());
        for event in events(note) {
            match event {
                Event::Start(Tag::Link { dest_url, .. }) => links.push(dest_url.to_string()),
                Event::Text(piece) => text.push_str(&piece),
                Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::Image { .. }) => {
                    panic!("{event:?}")
                }
                _ => {}
            }
        }
        assert_eq!(links, ["https://example.org/?q=1&r", "MAILTO:x@example.org"]);
        assert!(text.starts_with("a b c d f pic <b onclick=x>bold</b> "), "{text}");
        assert!(text.contains("<script>\nalert(1)\n</script>\n"), "{text}");
        // An address with a control character makes no link.
        assert!(
            text.ends_with("[in](java\u{0}script:x)") || text.ends_with("[in](java\u{fffd}script:x)"),
            "{text:?}"
        );
    }
}
