"""The media types that documents may have: what registration files consist of. Nothing that a browser would run."""

from registry.refusals.refusal import refused

_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument"
OCTETS = "application/octet-stream"

EXTENSIONS = {
    "application/pdf": "pdf",
    "application/ofd": "ofd",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/tiff": "tif",
    "text/plain": "txt",
    "text/csv": "csv",
    "application/json": "json",
    "application/xml": "xml",
    "text/xml": "xml",
    "application/toml": "toml",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    f"{_OFFICE}.presentationml.presentation": "pptx",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    f"{_OPEN_DOCUMENT}.text": "odt",
    f"{_OPEN_DOCUMENT}.spreadsheet": "ods",
    f"{_OPEN_DOCUMENT}.presentation": "odp",
    "application/zip": "zip",
    "application/pkcs7-mime": "p7m",
    "application/pkcs7-signature": "p7s",
    "application/timestamp-reply": "tsr",
    OCTETS: "bin",
}
"""The extension of a file of each type. What is answered is one of these texts, never what a caller wrote."""


def media_type_of(header: str) -> str:
    """The media type that a `Content-Type` names, without its parameters.

    Raises:
        RefusedError: MEDIA_TYPE.
    """
    wanted = header.partition(";")[0].strip().lower()
    for known in EXTENSIONS:
        if known == wanted:
            return known
    raise refused(
        "MEDIA_TYPE",
        "Name the kind of document in Content-Type: PDF, OFD, PNG, JPEG, TIFF, text, CSV, JSON, XML, TOML, office "
        f"documents, ZIP, PKCS #7, or {OCTETS} for any other.",
        "请在 Content-Type 中写明文件种类：版式文件、图像、文本、表格、办公文档、压缩包或签名文件；其他种类一律写 "
        "`application/octet-stream`。",
    )
