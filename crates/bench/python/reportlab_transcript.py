"""Sets a transcript with ReportLab, as a plain script would: python reportlab_transcript.py TEXT FONTS OUTPUT.

TEXT is JSON: a list of [name, time, text]. Prints JSON: seconds of setting and writing, most memory in kB, bytes.
"""

import json
import pathlib
import resource
import sys
import time
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate


def number(canvas, document):
    canvas.setFont("Text", 8)
    canvas.drawRightString(A4[0] - 71, 44, f"Page {document.page}")


def main():
    text, fonts, output = map(pathlib.Path, sys.argv[1:])
    segments = json.loads(text.read_text("utf-8"))
    started = time.perf_counter()
    pdfmetrics.registerFont(TTFont("Text", fonts / "NotoSans-Regular.ttf"))
    pdfmetrics.registerFont(TTFont("Bold", fonts / "NotoSans-Bold.ttf"))
    body = ParagraphStyle("body", fontName="Text", fontSize=10.5, leading=15.25, spaceAfter=3.5)
    name_style = ParagraphStyle("name", parent=body, fontName="Bold", spaceBefore=8, keepWithNext=1)
    story = [Paragraph("Ten hours", ParagraphStyle("title", parent=body, fontName="Bold", fontSize=20, leading=26))]
    before = None
    for name, at, words in segments:
        if name != before:
            story.append(Paragraph(escape(name), name_style))
            before = name
        story.append(Paragraph(f"{at} {escape(words)}", body))
    document = SimpleDocTemplate(str(output), pagesize=A4, leftMargin=116, rightMargin=73, topMargin=78, bottomMargin=78)
    document.build(story, onFirstPage=number, onLaterPages=number)
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - started,
                "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
                "bytes": output.stat().st_size,
            }
        )
    )


main()
