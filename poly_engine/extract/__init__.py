"""Text out of documents: PDF, DOCX, HTML, Markdown and plain text, read by a process that is limited and may die.

extracted = await extract(Path("report.pdf"))
async with Extractor() as extractor: ...         # for many
"""

from poly_engine.extract.document import Extracted, Heading
from poly_engine.extract.extractor import Extractor, extract
from poly_engine.extract.limits import Limits

__all__ = ["Extracted", "Extractor", "Heading", "Limits", "extract"]
