"""Whether a file named to the importer is a table of registrations, or data of one's own to be registered."""

from pathlib import Path

from api.spreadsheets.errors import FileRefusedError
from api.spreadsheets.headers import has_header

_WORKBOOKS = frozenset({".xlsx", ".xlsm", ".xltx", ".xltm", ".xlsb", ".xls"})
_TEXTS = frozenset({".csv", ".tsv"})


def is_spreadsheet(path: Path, *, own_files: bool) -> bool:
    """Whether the file has the template's header. A workbook that must not be opened counts as one too, so that its
    reader says why, unless `own_files`: the caller said that it registers files as they are.
    """
    suffix = path.suffix.lower()
    if suffix not in _WORKBOOKS | _TEXTS or not path.is_file():
        return False
    try:
        return has_header(path)
    except FileRefusedError:
        return suffix in _WORKBOOKS and not own_files
