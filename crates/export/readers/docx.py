"""Reads a Word document with python-docx and prints what it holds as JSON."""

import json
import sys

import docx
from docx.oxml.ns import qn
from docx.table import Table


def text_between(body, number):
    """The text between the two ends of the range of a comment."""
    text, inside = [], False
    for element in body.iter():
        if element.tag == qn("w:commentRangeStart") and element.get(qn("w:id")) == number:
            inside = True
        elif element.tag == qn("w:commentRangeEnd") and element.get(qn("w:id")) == number:
            inside = False
        elif inside and element.tag == qn("w:t"):
            text.append(element.text or "")
        elif inside and element.tag == qn("w:br"):
            text.append("\n")
        elif inside and element.tag == qn("w:tab"):
            text.append("\t")
    return "".join(text)


def read(path):
    document = docx.Document(path)
    body = document.element.body
    blocks = []
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            blocks.append(["table", [[cell.text for cell in row.cells] for row in block.rows]])
        else:
            direction = "rtl" if block._p.pPr.find(qn("w:bidi")) is not None else "ltr"
            blocks.append([block.style.name, block.text, direction])
    references = [element.get(qn("w:id")) for element in body.iter(qn("w:commentReference"))]
    comments = [
        {
            "author": comment.author,
            "text": comment.text,
            "time": comment.timestamp.isoformat(),
            "passage": text_between(body, str(comment.comment_id)),
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
