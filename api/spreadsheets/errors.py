"""What is wrong with a spreadsheet, its header or a cell, in Chinese and English. Codes are stable; wording is not."""

from dataclasses import dataclass

from openpyxl.utils import get_column_letter

_SHOWN = 100

WORDS = {
    # the file
    "FILE_TOO_LARGE": ("文件超过 {n} 字节", "the file has more than {n} bytes"),
    "FILE_UNREADABLE": ("文件无法读取", "the file cannot be read"),
    "NOT_A_WORKBOOK": ("不是 .xlsx 工作簿，也不是 CSV 文本", "neither a workbook (.xlsx) nor CSV text"),
    "PROTECTED_OR_OLD": (
        "文件设有打开密码，或为旧版 .xls 格式；请取消密码并另存为 .xlsx",
        "the file is protected by a password or in the old .xls format; remove the password and save it as .xlsx",
    ),
    "MACROS": ("工作簿含有宏；请另存为不含宏的 .xlsx", "the workbook holds macros; save it as .xlsx without macros"),
    "EXTERNAL_CONTENT": (
        "工作簿引用外部文件或数据连接（{what}）；请断开链接后另存",
        "the workbook draws on other files or connections ({what}); break the links and save it again",
    ),
    "EMBEDDED_OBJECTS": (
        "工作簿内嵌对象或控件（{what}）；请删除后另存",
        "the workbook holds embedded objects or controls ({what}); delete them and save it again",
    ),
    "EXPANDS_TOO_FAR": (
        "工作簿解压后过大（{what}），可能是压缩炸弹，未予读取",
        "the workbook expands too far ({what}), as a zip bomb does; it was not read",
    ),
    "WORKBOOK_BROKEN": (
        "工作簿已损坏或不合规范（{what}）；请用表格软件打开后另存为 .xlsx",
        "the workbook is damaged or not well-formed ({what}); open it in a spreadsheet program and save it as .xlsx",
    ),
    "ENCODING_UNKNOWN": (
        "文本编码无法识别；请以 UTF-8、UTF-16 或 GB18030 保存",
        "the encoding of the text is not known; save it as UTF-8, UTF-16 or GB18030",
    ),
    "CSV_BROKEN": (
        "第 {n} 行附近的 CSV 无法读取；请检查引号",
        "the CSV cannot be read near line {n}; check the quotation marks",
    ),
    "HEADER_MISSING": (
        "没有找到模板的表头；请使用登记模板，不要改动表头",
        "there is no row with the template's headings; use the template and leave its headings as they are",
    ),
    "NO_ROWS": ("表头之下没有内容", "there is nothing below the headings"),
    "ROWS_TOO_MANY": ("数据超过 {n} 行；请分为多个文件", "there are more than {n} rows of data; divide the file"),
    "COLUMNS_TOO_MANY": ("表格超过 {n} 列", "the table has more than {n} columns"),
    # the header
    "COLUMN_UNKNOWN": (
        "不是模板的栏目；自用栏目请以 # 开头，登记时不予读取",
        "not a column of the template; begin the heading of a column of your own with #, then it is not read",
    ),
    "COLUMN_REPEATED": ("该栏目已出现在 {cell}", "this column stands in {cell} already"),
    "COLUMN_MISSING": ("缺少必填栏目", "a required column is missing"),
    # a cell
    "REQUIRED": ("必填，不能为空", "required, and empty"),
    "FORMULA": (
        "单元格是公式，其结果无从核实；请填写数值",
        "a formula, whose value cannot be relied on; enter the value",
    ),
    "ERROR_VALUE": ("单元格是表格软件的错误值", "an error value of the spreadsheet program"),
    "CONTROL_CHARACTER": ("含有不可见的控制字符", "holds a control character"),
    "OUTSIDE_COLUMNS": ("该列没有表头", "stands in a column without a heading"),
    "NOT_IN_LIST": ("应为：{allowed}", "must be one of: {allowed}"),
    "VALUE_REPEATED": ("“{item}”重复", "{item!r} stands twice"),
    "VALUES_TOO_MANY": ("至多 {n} 项", "at most {n} values"),
    "TEXT_TOO_LONG": ("超过 {n} 个字符", "over {n} characters"),
    "NOT_AN_INDUSTRY": ("应为门类字母加两位大类代码，如 I65", "must be a letter and two digits of GB/T 4754, like I65"),
    "NOT_A_DATE": ("应为日期，如 2026-01-31", "must be a date, like 2026-01-31"),
    "NOT_AN_INSTANT": (
        "应为日期或带时区的时刻，如 2026-01-31 或 2026-01-31T08:00:00+08:00",
        "must be a date or an instant with its zone, like 2026-01-31 or 2026-01-31T08:00:00+08:00",
    ),
    "NOT_A_COUNT": ("应为非负整数", "must be a whole number, 0 or more"),
    "NUMBER_INEXACT": (
        "数字超过表格软件能精确保存的范围；请将单元格设为文本后重新填写",
        "a spreadsheet program does not keep so large a number exactly; make the cell text and enter it again",
    ),
    "NOT_YES_OR_NO": ("应为“是”或“否”", "must be yes or no"),
    "NOT_A_DIGEST": ("应为 64 位小写十六进制 SHA-256 摘要", "must be a SHA-256 digest of 64 lower-case hex digits"),
    "NOT_A_PARTY": ("“{item}”不是主体编号（pty_…）", "{item!r} is not the identifier of a party (pty_…)"),
    "NOT_A_KIND": (
        "“{item}”不是权利种类：{allowed}，或以 x. 开头的名称",
        "{item!r} is not a kind of right: {allowed}, or a name that begins with x.",
    ),
    "NOT_AN_INPUT": (
        "“{item}”应写作 ast_…/rgt_…，或 external: 名称",
        "{item!r} must be written ast_…/rgt_… or external: name",
    ),
    "NOT_A_FIELD": (
        "“{item}”应写作 字段名:标识，标识为 none、personal、sensitive",
        "{item!r} must be written name:mark, the mark one of none, personal, sensitive",
    ),
    "FIELD_UNMARKED": (
        "数据含个人信息，字段“{item}”须写明标识：none、personal 或 sensitive",
        "the data hold personal information: mark the field {item!r} as none, personal or sensitive",
    ),
    "NOT_A_FINGERPRINT": (
        "“{item}”应为 SHA-256 摘要，或写作 算法:值",
        "{item!r} must be a SHA-256 digest, or written algorithm:value",
    ),
    "NOT_AN_IDENTIFIER": ("“{item}”应写作 体系:值", "{item!r} must be written scheme:value"),
    "NOT_EVIDENCE": (
        "“{item}”应写作 种类:SHA-256 摘要，种类见词汇表",
        "{item!r} must be written kind:SHA-256, the kind as in the vocabulary",
    ),
    "NOT_A_LINK": ("“{item}”不是网址", "{item!r} is not an address that begins with http:// or https://"),
    "NOT_A_PURPOSE": ("“{item}”不是约定的用途", "{item!r} is not a purpose of the vocabulary"),
    "NOT_A_TERRITORY": ("“{item}”不是地域代码，如 CN、CN-SD", "{item!r} is not an ISO 3166 code, like CN or CN-SD"),
    "NOT_OF_BASIS": ("取得依据“{basis}”没有这项事实", "the basis {basis} knows no such fact"),
    "ENDS_BEFORE_START": ("应晚于 {cell} 的起点", "must come after the start in {cell}"),
    "REFERENCE_REPEATED": ("与 {cell} 的编号相同", "the same number stands in {cell}"),
    # a row
    "ROW_REPEATED": ("与第 {row} 行内容相同", "the same as row {row}"),
    "ROW_TOO_LARGE": ("整行内容过多，超出一份声明的容量", "the row holds more than one statement can"),
    "FORM_INVALID": ("{zh}", "{en}"),
}


class FileRefusedError(Exception):
    """The spreadsheet cannot be taken as a whole; nothing of it was sent. `errors`: the cells of its header, if any."""

    def __init__(self, code: str, errors: "tuple[CellError, ...]" = (), **values: object) -> None:
        self.code = code
        self.errors = errors
        self.zh, self.en = (words.format(**values) for words in WORDS[code])
        super().__init__(self.en)


class CellFaultError(Exception):
    """A cell does not say what its column wants."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.zh, self.en = (words.format(**values) for words in WORDS[code])


@dataclass(frozen=True, slots=True)
class CellError:
    """One thing wrong, and where. `column` counts from 1; 0 where the row as a whole is meant, or a column not given."""

    row: int
    column: int
    title_zh: str
    title_en: str
    value: str
    code: str
    zh: str
    en: str
    rule: str = ""
    article: str = ""

    @property
    def cell(self) -> str:
        """The address as spreadsheet programs show it, `F17`; the number of the row where no cell is meant."""
        return address(self.row, self.column) if self.column else str(self.row)

    def sentence(self, language: str) -> str:
        """Cell, column, value and reason in one line."""
        if language == "en":
            title = f" {self.title_en}" if self.title_en else ""
            value = f" ({self.value!r})" if self.value else ""
            return f"{self.cell}{title}{value}: {self.en} [{self.code}]"
        title = f" {self.title_zh}" if self.title_zh else ""
        value = f"（“{self.value}”）" if self.value else ""
        return f"{self.cell}{title}{value}：{self.zh} [{self.code}]"

    def to_json(self, language: str) -> dict[str, object]:
        """As reports and answers show it."""
        members: dict[str, object] = {"cell": self.cell, "code": self.code}
        members["column"] = self.title_en if language == "en" else self.title_zh
        members["value"] = self.value
        members |= {"message": self.en if language == "en" else self.zh, "zh": self.zh, "en": self.en}
        members |= {name: text for name, text in (("rule", self.rule), ("article", self.article)) if text}
        return members


def address(row: int, column: int) -> str:
    """`F17`."""
    return f"{get_column_letter(column)}{row}"


def shown(value: object) -> str:
    """A cell's value as an error cites it: on one line, cut where it is long."""
    text = "" if value is None else " ".join(str(value).split())
    text = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
