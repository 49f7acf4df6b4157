"""Write the pages of docs/ that are made from code."""

from liq.cli.docs import pages

for path, text in pages().items():
    path.write_text(text, encoding="utf-8")
