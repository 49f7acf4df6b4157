"""Write the generated pages of docs/."""

from liq.cli.docs import pages

for path, text in pages().items():
    path.write_text(text, encoding="utf-8")
