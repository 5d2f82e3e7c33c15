"""Every note and every reason for a refusal, in Chinese and English. Codes are stable; wording is not."""

from api.importing.model import Note, Refused

NOTES = {
    "NAME_SHORTENED": ("名称超过 40 字，已缩短", "the name is over 40 字 and was shortened"),
    "OVERVIEW_SHORTENED": (
        "简介超过 400 字，已在句末缩短；完整描述以其摘要为证",
        "the overview is over 400 字 and was shortened; the digest of the whole descriptor is kept as evidence",
    ),
    "OVERVIEW_FROM_NAME": ("没有简介，以名称代替", "there is no description, the name stands in its place"),
    "FIELD_NOT_MAPPED": (
        "未能对应到登记表：{fields}",
        "not mapped to the form: {fields}",
    ),
    "IDENTIFIER_FROM_NAME": (
        "描述没有网址，以名称作为标识",
        "the descriptor has no URL, its name alone serves as the identifier",
    ),
    "PERSONAL_INFORMATION_ASSUMED": (
        "描述提到{reason}，个人信息一项从严填为 {value}，请核对",
        "the descriptor mentions {reason}: personal information was set to {value} to be on the safe side, check it",
    ),
    "DEPRECATED": ("发布者已标明弃用", "its publisher marks it as deprecated"),
    "FINGERPRINTS_INVALID": (
        "{n} 个文件摘要不是 SHA-256，未采用",
        "{n} file digests are not SHA-256 and were left out",
    ),
    "FINGERPRINTS_DROPPED": ("超出上限，{n} 个指纹未列入", "{n} fingerprints are over the limit and were left out"),
    "LINKS_DROPPED": ("超出上限，{n} 个链接未列入", "{n} links are over the limit and were left out"),
}

REASONS = {
    "PATH_MISSING": ("没有这个文件或目录", "there is no such file or folder"),
    "FILE_UNREADABLE": ("无法读取：{why}", "cannot be read: {why}"),
    "FILE_EMPTY": ("文件为空", "the file is empty"),
    "FILE_CHANGED": ("读取时文件发生变化，请重试", "the file changed while it was read, try again"),
    "NOT_A_FILE": ("不是普通文件", "not a regular file"),
    "HIDDEN": ("隐藏文件或目录，已跳过", "a hidden file or folder, skipped; name it to import it"),
    "SYMLINK_LOOP": ("链接指向已读过的目录，已跳过", "a link to a folder that was read already, skipped"),
    "LINE_TOO_LONG": ("一行超过 {n} 字节", "a line of more than {n} bytes"),
    "DESCRIPTOR_TOO_LONG": ("描述文件超过 {n} 字节", "a descriptor of more than {n} bytes"),
    "JSON_INVALID": ("不是有效的 UTF-8 JSON：{why}", "not valid UTF-8 JSON: {why}"),
    "NOT_AN_OBJECT": ("不是 JSON 对象", "not a JSON object"),
    "NOT_CROISSANT": ("不是 Croissant 数据集描述", "not a Croissant dataset description"),
    "NAME_MISSING": ("没有名称", "it has no name"),
    "IDENTIFIER_MISSING": ("没有标识（slug）", "it has no identifier (slug)"),
}


def note(code: str, **values: object) -> Note:
    zh, en = NOTES[code]
    return Note(code, zh.format(**values), en.format(**values))


def refused(source: str, code: str, **values: object) -> Refused:
    zh, en = REASONS[code]
    return Refused(source, code, zh.format(**values), en.format(**values))
