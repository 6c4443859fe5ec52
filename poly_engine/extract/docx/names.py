"""Names of elements in the XML of DOCX, with their namespaces."""

_MAIN = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"

W = f"{{{_MAIN}}}"
R = f"{{{_RELATIONS}}}"
M = f"{{{_MATH}}}"
A = f"{{{_DRAWING}}}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
PACKAGE_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"

STRICT = {
    b"http://purl.oclc.org/ooxml/wordprocessingml/main": _MAIN.encode(),
    b"http://purl.oclc.org/ooxml/officeDocument/relationships": _RELATIONS.encode(),
    b"http://purl.oclc.org/ooxml/officeDocument/math": _MATH.encode(),
    b"http://purl.oclc.org/ooxml/drawingml/main": _DRAWING.encode(),
}
"""What Strict documents call the same namespaces."""


def is_on(element: object) -> bool:
    """Whether a property that is there is switched on: <w:vanish/> is, <w:vanish w:val="0"/> is not."""
    get = getattr(element, "get", None)
    return get is not None and get(W + "val") not in {"0", "false", "off", "none"}
