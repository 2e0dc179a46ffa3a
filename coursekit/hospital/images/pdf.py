"""The report of "ct_chest" as a PDF page, encapsulated in DICOM (PS3.3 A.45.1).

The page is written here byte by byte: five objects and their table, text in a font that every reader has. Nothing in it
depends on a clock or a library, so the same edition gives the same bytes.

`truth` gives
    title   Document Title, which is also the PDF's
    lines   the report's lines of text, as printed
    bytes   length of the PDF; the element is one longer when that is odd
    images  name of the series that it reports on
"""

from coursekit.hospital.images import common, ko

PDF_STORAGE = "1.2.840.10008.5.1.4.1.1.104.1"
SERIES = 901
TITLE = "CT chest report"
WIDTH, HEIGHT, MARGIN, LEADING = 595, 842, 64, 16  # A4 and its margins in points of 1/72 inch
MADE = ("20250404", "141520")


def _text(words):
    """A PDF string (ISO 32000-1, 7.3.4.2): in brackets, with brackets and backslashes escaped."""
    for special in "\\()":
        words = words.replace(special, "\\" + special)
    return f"({words})"


def page(title, lines):
    """A PDF file of one A4 page: bytes.

    title : the document's title, for its properties
    lines : (font, size in points, words) from the top of the page down, font 'bold' or 'plain'; words in Windows-1252.
            Empty words leave a line free.
    Raises UnicodeEncodeError for a letter that the encoding lacks, ValueError when the page is too short.
    """
    drawn, y = [], HEIGHT - MARGIN
    for font, size, words in lines:
        y -= LEADING if size < 14 else 2 * LEADING
        if words:
            drawn.append(f"BT /{'F2' if font == 'bold' else 'F1'} {size} Tf {MARGIN} {y} Td {_text(words)} Tj ET")
    if y < MARGIN:
        raise ValueError(f"{len(lines)} lines are more than a page holds")
    rule = HEIGHT - MARGIN - 2 * LEADING - 10
    stream = "\n".join([f"0.6 w {MARGIN} {rule} m {WIDTH - MARGIN} {rule} l S", *drawn])
    fonts = " ".join(f"/F{number} << /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"
                     for number, name in ((1, "Helvetica"), (2, "Helvetica-Bold")))
    content = stream.encode("cp1252")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents 4 0 R "
        f"/Resources << /Font << {fonts} >> >> >>".encode("ascii"),
        f"<< /Length {len(content)} >>\nstream\n".encode("ascii") + content + b"\nendstream",
        f"<< /Title {_text(title)} /Producer {_text('HVGH RIS')} >>".encode("cp1252"),
    ]
    # The second line tells programs that the file is binary: four bytes above 127.
    made, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    made += b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(made)


def _dotted(date):
    return f"{date[:4]}-{date[4:6]}-{date[6:]}"


def _report(seed):
    """The lines of the report: as ``page`` wants them."""
    from coursekit.hospital import images

    first, told = images.image("ct_chest", seed)[0], images.truth("ct_chest", seed)
    nodule, side = told["nodule"], ko.side(told["nodule"])
    below = round(-nodule["centre"][2] / 10)  # cm below the carina, which lies at z = 0
    level = (f"{below} cm below the carina" if below > 0 else f"{-below} cm above the carina" if below < 0
             else "at the level of the carina")
    head = [("bold", 16, common.HOSPITAL), ("plain", 10, ""), ("bold", 12, "CT of the chest with contrast"), ("plain", 10, "")]
    identity = [
        f"Patient: {str(first.PatientName).replace('^', ', ')}    ID: {first.PatientID} ({first.IssuerOfPatientID})",
        f"Born: {_dotted(first.PatientBirthDate)}    Sex: {first.PatientSex}    Accession number: {first.AccessionNumber}",
        f"Examined: {_dotted(first.StudyDate)} {first.StudyTime[:2]}:{first.StudyTime[2:4]}    Scanner: {first.StationName}", ""]
    parts = (
        ("Technique", [f"Spiral scan, {float(first.KVP):.0f} kV, {told['slices']} slices of {told['increment']:.0f} mm. "
                       f"CTDIvol {told['CTDIvol']:.2f} mGy (32 cm phantom)."]),
        ("Findings", [f"Solid nodule in the {side} lung, {round(nodule['diameter'])} mm, {level}, smooth margin.",
                      "No further nodule. No pleural effusion. No enlarged lymph nodes.",
                      "Heart and great vessels of normal size. Bones without suspicious lesion."]),
        ("Conclusion", [f"Solid nodule of {round(nodule['diameter'])} mm in the {side} lung, new to this department.",
                        "To be discussed in the lung conference; earlier images from elsewhere are asked for."]),
    )
    lines = head + [("plain", 10, words) for words in identity]
    for heading, sentences in parts:
        lines += [("bold", 11, heading)] + [("plain", 10, words) for words in sentences] + [("plain", 10, "")]
    return lines + [
        ("plain", 10, f"Signed electronically: DEMO, READER, {_dotted(MADE[0])} {MADE[1][:2]}:{MADE[1][2:4]}"),
        ("plain", 10, ""), ("plain", 8, "All persons are invented. Made for a course; not for diagnosis."),
    ]


def _pdf_report(seed):
    from coursekit.hospital import images

    first = images.image("ct_chest", seed)[0]
    document = page(TITLE, _report(seed))
    ds = ko.beside(first, PDF_STORAGE, SERIES, "RIS", *MADE)
    ds.Manufacturer, ds.ManufacturerModelName = "Kantoor Systems", "RIS 5"
    ds.SoftwareVersions, ds.DeviceSerialNumber = "5.2", "KS-0201"
    ds.Modality, ds.SeriesDescription, ds.InstanceNumber = "DOC", "Report", 1
    ds.ConversionType = "WSD"
    ds.ContentDate, ds.ContentTime = MADE
    ds.AcquisitionDateTime = ""
    ds.BurnedInAnnotation = "YES"
    ds.DocumentTitle = TITLE
    ds.ConceptNameCodeSequence = [common.code("24627-2", "LN", "CT Chest Report")]
    ds.VerificationFlag = "VERIFIED"
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    ds.EncapsulatedDocumentLength = len(document)
    ds.EncapsulatedDocument = document + b"\0" * (len(document) % 2)
    return ds


def _pdf_report_truth(seed):
    lines = _report(seed)
    return {"title": TITLE, "lines": [words for _, _, words in lines if words], "bytes": len(page(TITLE, lines)),
            "images": "ct_chest"}


IMAGES = {"pdf_report": _pdf_report}
TRUTH = {"pdf_report": _pdf_report_truth}
