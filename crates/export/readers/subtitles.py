"""Reads subtitles with pysubs2 and webvtt-py, and prints the cues that each found as JSON.

Usage: subtitles.py srt|vtt FILE
"""

import html
import json
import sys

import pysubs2
import webvtt


def milliseconds(text):
    hours, minutes, seconds = text.replace(",", ".").split(":")
    return round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)


kind, path = sys.argv[1:]
# Texts stay as they are in the file: the markup of pysubs2 is that of another format.
options = {"keep_html_tags": True} if kind == "srt" else {}
other = pysubs2.load(path, encoding="utf-8", format_=kind, **options)
plain = (lambda text: text) if kind == "srt" else html.unescape
cues = webvtt.from_srt(path) if kind == "srt" else webvtt.read(path)
read = [(cue.start, cue.end, cue.raw_text if kind == "srt" else cue.text) for cue in cues]
print(
    json.dumps(
        {
            "pysubs2": [[cue.start, cue.end, plain(cue.text.replace("\\N", "\n"))] for cue in other],
            "webvtt": [[milliseconds(start), milliseconds(end), plain(text)] for start, end, text in read],
            "voices": [plain(cue.voice) if cue.voice else None for cue in cues],
        }
    )
)
