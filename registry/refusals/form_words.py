"""Breaches of form in Chinese: the sentences of the ledger and of msgspec, which are English, read by their pattern.

Whatever stands in no pattern is said in general words, so an answer in Chinese never holds a sentence in English.
"""

import re

GENERAL = "不符合约定的格式"

_TYPES = {
    "str": "字符串", "int": "整数", "float": "小数", "bool": "布尔值", "null": "null", "array": "数组", "object": "对象",
    "list": "数组", "dict": "对象", "bytes": "字节串",
}  # fmt: skip
_BOUNDS = {">=": "不小于", "<=": "不大于", ">": "大于", "<": "小于"}
_LENGTHS = {">=": "不少于", "<=": "不超过"}

_PATTERNS: tuple[tuple[str, str], ...] = (
    # msgspec
    (r"Expected `(?P<types>[^`]*)`, got `(?P<got>[^`]*)`", "应为{types}，实为{got}"),
    (r"Expected `array` of length (?P<a>\d+), got (?P<b>\d+)", "应恰有 {a} 项，实有 {b} 项"),
    (r"Expected `array` of length (?P<length>[<>]=) (?P<a>\d+)", "应{length} {a} 项"),
    (r"Expected `object` of length (?P<length>[<>]=) (?P<a>\d+)", "成员应{length} {a} 个"),
    (r"Expected `\w+` of length (?P<length>[<>]=) (?P<a>\d+)", "应{length} {a} 个字符"),
    (r"Expected `str` matching regex '(?P<a>.*)'", "应符合 {a}"),
    (r"Expected `\w+` (?P<bound>[<>]=?) (?P<a>-?\d+)", "应{bound} {a}"),
    (r"Invalid enum value (?P<a>.*)", "{a} 不在可选值之内"),
    (r"Object contains unknown field `(?P<a>.*)`", "成员 {a} 不在约定之内"),
    (r"Object missing required field `(?P<a>.*)`", "缺少成员 {a}"),
    # ledger.strict_json
    (r"the member (?P<a>.*) stands twice in one object", "同一对象中成员 {a} 重复"),
    (r"the number (?P<a>.*) is not an integer below 2\^53; .*", "{a} 不是小于 2^53 的整数；更大的数请写作字符串"),
    (r"the number (?P<a>.*) is not a plain integer", "{a} 不是约定写法的整数"),
    (r"the value is nested deeper than (?P<a>\d+) levels", "嵌套超过 {a} 层"),
    (r"a string holds a lone surrogate", "字符串含有不成对的代理码位"),
    (r"a byte order mark stands before the JSON", "JSON 之前有字节顺序标记"),
    (r"not UTF-8", "不是 UTF-8 编码"),
    (r"not JSON: .* at character (?P<a>\d+)", "不是 JSON（第 {a} 个字符处）"),
    # ledger.statement
    (r"not a JSON object", "不是 JSON 对象"),
    (r"not a (?P<types>str|int|list|dict)", "应为{types}"),
    (r"not a list of strings", "应为字符串数组"),
    (r"the member (?P<a>.*) is not known here", "成员 {a} 不在约定之内"),
    (r"the member (?P<a>.*) is missing", "缺少成员 {a}"),
    (r"payloadType must be (?P<a>\S+)", "payloadType 应为 {a}"),
    (r"an act is named by two words with a dot between them", "行为名由两个单词和中间的一个点组成"),
    (r"a party is named twice among those who sign", "签名人中同一主体出现两次"),
    (r"a nonce has (?P<a>\d+) bytes", "nonce 应为 {a} 字节"),
    (r"the number of entries expected on a folio is a whole number", "登记簿页的预期条数应为非负整数"),
    # ledger.identifiers, ledger.instants, ledger.encoding
    (r"not an identifier of the form (?P<options>.*)", "不是 {options} 形式的标识符"),
    (r"not an RFC 3339 instant .*", "不是带时区且精确到毫秒以内的 RFC 3339 时刻"),
    (r"this day does not exist", "该日期不存在"),
    (r"the year must lie between (?P<a>\d+) and (?P<b>\d+)", "年份应在 {a} 至 {b} 之间"),
    (r"not base64url without padding|not base64url", "不是无填充的 base64url"),
    (r"not base64", "不是 base64"),
    (r"(?P<a>base64(?:url)?) is not in its canonical form", "{a} 不是规范形式"),
    (r"not lower-case hex", "不是小写十六进制"),
    # sizes
    (r"the payload is over (?P<a>\d+) bytes", "payload 超过 {a} 字节"),
    (r"the envelope is over (?P<a>\d+) bytes", "信封超过 {a} 字节"),
    (r"more than (?P<a>\d+) signatures", "签名超过 {a} 个"),
    (r"more than (?P<a>\d+) parties", "主体超过 {a} 个"),
    (r"a submission has at most (?P<a>\d+) bytes", "单次提交不超过 {a} 字节"),
    (r"an entry has at most (?P<a>\d+) bytes", "一条分录不超过 {a} 字节"),
    (r"an entry is written into at most (?P<a>\d+) folios", "一条分录至多写入 {a} 页"),
    (r"at most (?P<a>\d+) disclosures of (?P<b>\d+) bytes together", "披露件至多 {a} 份，合计不超过 {b} 字节"),
)
_COMPILED = tuple((re.compile(pattern, re.DOTALL), words) for pattern, words in _PATTERNS)


def form_words(sentence: str) -> str:
    """What is wrong, in Chinese and without a full stop; `GENERAL` for a sentence that is not known."""
    for pattern, words in _COMPILED:
        if match := pattern.fullmatch(sentence):
            return words.format(**{name: _translated(name, text) for name, text in match.groupdict().items()})
    return GENERAL


def type_words(types: str) -> str:
    """`int | str` in Chinese."""
    return "或".join(_TYPES.get(name, name) for name in types.split(" | "))


def _translated(name: str, text: str) -> str:
    match name:
        case "types" | "got":
            return type_words(text)
        case "bound":
            return _BOUNDS[text]
        case "length":
            return _LENGTHS[text]
        case "options":
            return text.replace(" or ", " 或 ")
        case _:
            return text
