"""XML that comes from outside: read without entities, without the network and within limits, and shown so that a person can read it."""

from coursekit.errors import CourseError

LARGEST = 64 << 20                      # bytes of a document; it is held in memory
DEEPEST = 200                           # elements within each other


class BadXml(CourseError, ValueError):
    """What is no XML, or XML that nobody needs: with a document type declaration, too deep, too long."""


def parse(octets, largest=LARGEST):
    """The root element (lxml) of a document.

    A document type declaration is refused before anything is read: entities come by it, the harmless ones and the bombs. SOAP does not
    allow one either (SOAP 1.2 part 1, section 5). Raises BadXml with a sentence.
    """
    from lxml import etree

    if len(octets) > largest:
        raise BadXml(f"The document has {len(octets):,} bytes; at most {largest:,} are read.")
    _refuse_doctype(octets)
    # huge_tree, because a document in base64 is longer than the 10 MB that libxml2 allows a text; what else it allows needs entities.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(octets, parser)
    except etree.XMLSyntaxError as problem:
        raise BadXml(f"It is no well-formed XML: {problem.msg}.") from None
    return root


def _refuse_doctype(octets):
    """Read with expat, which tells of a document type declaration as soon as it begins, and count how deep elements lie."""
    from xml.parsers import expat

    depth = 0

    def doctype(*_):
        raise BadXml("It holds a document type declaration (DOCTYPE), which is not read.")

    def start(*_):
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise BadXml(f"Its elements lie more than {DEEPEST} deep.")

    def end(*_):
        nonlocal depth
        depth -= 1

    reader = expat.ParserCreate()
    reader.StartDoctypeDeclHandler, reader.StartElementHandler, reader.EndElementHandler = doctype, start, end
    try:
        reader.Parse(octets, True)
    except expat.ExpatError as problem:
        raise BadXml(f"It is no well-formed XML: {problem}.") from None
    except (ValueError, LookupError) as problem:
        if isinstance(problem, BadXml):
            raise
        raise BadXml(f"It can't be read: {problem}.") from None


def encode(element):
    """An element as bytes in UTF-8, with XML declaration."""
    from lxml import etree

    return etree.tostring(element, xml_declaration=True, encoding="UTF-8")


def text(element):
    """An element as text."""
    from lxml import etree

    return etree.tostring(element, encoding="unicode")


def pretty(octets_or_element, longest=120):
    """The document as text for a person: an element on a line, indented; texts longer than `longest` are cut, and say how long they are."""
    from copy import deepcopy

    from lxml import etree

    root = parse(octets_or_element) if isinstance(octets_or_element, bytes) else deepcopy(octets_or_element)
    for element in root.iter():
        inside = (element.text or "").strip()
        element.text = f"{inside[:longest]}... ({len(inside):,} characters)" if len(inside) > longest else inside or None
        element.tail = None
    etree.indent(root)
    return text(root)
