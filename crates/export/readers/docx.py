"""Reads a Word document with python-docx and prints what it holds as JSON."""

import json
import sys

import docx
import docx.enum.style
from docx.oxml.ns import qn
from docx.table import Table


def passages(body):
    """The text between the two ends of the range of each comment, by the number of the comment."""
    found, open_ranges = {}, set()
    texts = {qn("w:br"): "\n", qn("w:tab"): "\t"}
    for element in body.iter():
        number = element.get(qn("w:id"))
        if element.tag == qn("w:commentRangeStart"):
            open_ranges.add(number)
            found[number] = []
        elif element.tag == qn("w:commentRangeEnd"):
            open_ranges.discard(number)
        elif open_ranges:
            text = element.text or "" if element.tag == qn("w:t") else texts.get(element.tag)
            if text is not None:
                for one in open_ranges:
                    found[one].append(text)
    return {number: "".join(parts) for number, parts in found.items()}


def read(path):
    document = docx.Document(path)
    body = document.element.body
    # The library looks a style up anew for each paragraph, which takes minutes for ten hours.
    styles = {style.style_id: style.name for style in document.styles}
    default = document.styles.default(docx.enum.style.WD_STYLE_TYPE.PARAGRAPH).name
    blocks = []
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            blocks.append(["table", [[cell.text for cell in row.cells] for row in block.rows]])
        else:
            direction = "rtl" if block._p.pPr.find(qn("w:bidi")) is not None else "ltr"
            blocks.append([styles.get(block._p.style, default), block.text, direction])
    references = [element.get(qn("w:id")) for element in body.iter(qn("w:commentReference"))]
    commented = passages(body)
    comments = [
        {
            "author": comment.author,
            "text": comment.text,
            "time": comment.timestamp.isoformat(),
            "passage": commented[str(comment.comment_id)],
        }
        for comment in document.comments
    ]
    core = document.core_properties
    section = document.sections[0]
    return {
        "blocks": blocks,
        "comments": comments,
        "references": len(references),
        "title": core.title,
        "author": core.author,
        "language": core.language,
        "created": core.created.isoformat(),
        "paper": [section.page_width.mm, section.page_height.mm],
        "header": [section.first_page_header.paragraphs[0].text, section.header.paragraphs[0].text],
        "footer": section.footer.paragraphs[0]._p.xpath("string(.)"),
        "pictures": [[round(shape.width.cm, 2), round(shape.height.cm, 2)] for shape in document.inline_shapes],
    }


json.dump(read(sys.argv[1]), sys.stdout)
