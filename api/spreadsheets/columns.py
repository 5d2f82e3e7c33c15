"""The columns of the template: annex 1's form, one source, the rights claimed, and the documents that support them.

Each has a name that never changes, headings in both languages, a pointer to where its value stands in `case.file`, and
what a cell may hold. Contract section 5.
"""

from dataclasses import dataclass
from typing import Literal

from api.spreadsheets import labels
from api.spreadsheets.labels import Labels
from registry.law.facts import FACT_FORMS

Kind = Literal[
    "reference", "line", "text", "choice", "choices", "industry", "date", "instant", "end", "count", "boolean",
    "restriction", "digest", "kinds", "parties", "inputs", "fields", "fingerprints", "identifiers", "links",
    "purposes", "territories", "names", "evidence",
]  # fmt: skip
LISTS: frozenset[str] = frozenset(
    {"choices", "kinds", "parties", "inputs", "fields", "fingerprints", "identifiers", "links", "purposes",
     "territories", "names", "evidence"}
)  # fmt: skip
"""Kinds of which a cell holds several, divided by semicolons or line breaks."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `most`: characters of a text, or values of a list; `words`: the vocabulary."""

    member: str
    pointer: str
    zh: str
    en: str
    kind: Kind
    help_zh: str
    help_en: str
    required: bool = False
    most: int = 0
    words: Labels | None = None

    def title(self, language: str) -> str:
        """The heading."""
        return self.en if language == "en" else self.zh

    def help(self, language: str) -> str:
        """What to enter, in a sentence."""
        return self.help_en if language == "en" else self.help_zh

    def fact(self) -> str | None:
        """The fact of the source that the column holds."""
        before, _, name = self.pointer.rpartition("/")
        return name if before == "/sources/0/facts" else None


SOURCE, CLAIM = "/sources/0", "/claims/0"
_SEVERAL_ZH, _SEVERAL_EN = "多项以分号或换行分隔。", "Several are divided by semicolons or line breaks."
_END_ZH, _END_EN = "填日期的，至当日 24 时止。", "A date means until midnight at the end of that day in Shanghai."


def _fact(name: str, zh: str, en: str, help_zh: str, help_en: str, words: Labels | None = None) -> Column:
    kinds: dict[str, Kind] = {
        "bool": "boolean", "digest": "digest", "kinds": "kinds", "parties": "parties", "change": "choice",
        "instant": "instant", "date": "date", "text": "line",
    }  # fmt: skip
    kind = kinds[FACT_FORMS[name]]
    most = {"kinds": 8, "parties": 30, "line": 2000}.get(kind, 0)
    words = labels.YES_NO if kind == "boolean" else labels.RIGHTS if kind == "kinds" else words
    return Column(name, f"{SOURCE}/facts/{name}", zh, en, kind, help_zh, help_en, most=most, words=words)


COLUMNS: tuple[Column, ...] = (
    Column(
        "reference", "", "自有编号", "Own number", "reference",
        "申请人自己的编号，同一申请人内不得重复；再次导入时凭编号跳过已登记的行。不填则以该行内容为准。",
        "Your own number of the data, never given twice; a second run skips rows that are registered under theirs. "
        "Without one the content of the row stands in its place.", most=200,
    ),
    Column("name", "/asset/name", "数据名称", "Name", "line", "时间、地域、行业、内容、数据类型，不宜超过 40 字。",
           "Time, region, industry, content and type of the data; 40 字 at most.", required=True, most=200),
    Column("overview", "/asset/overview", "数据概述", "Overview", "text", "不宜超过 400 字。", "400 字 at most.",
           required=True, most=4000),
    Column("form", "/asset/form", "数据类别", "Form", "choice", "原始数据、数据资源、数据产品、数据服务或衍生数据。",
           "What the data are.", required=True, words=labels.FORM),
    Column("industry", "/asset/industry", "所属行业", "Industry", "industry",
           "GB/T 4754 门类及大类，如 I65。", "Section and division of GB/T 4754, like I65.", required=True,
           words=labels.INDUSTRY),
    Column("region_scope", "/asset/region_scope", "地域范围", "Region scope", "choice", "数据覆盖的地域层级。",
           "How far the data reach.", required=True, words=labels.REGION_SCOPE),
    Column("region", "/asset/region", "具体地域", "Region", "line", "如“山东省济南市”。", "Such as Jinan, Shandong.",
           most=2000),
    Column("time_from", "/asset/time_span/from", "时域起始日", "Time span from", "date", "数据所涉时间的首日。",
           "First day that the data speak of."),
    Column("time_until", "/asset/time_span/until", "时域截止日", "Time span until", "date", "数据所涉时间的末日（含当日）。",
           "Last day that the data speak of."),
    Column("update_frequency", "/asset/update_frequency", "更新频率", "Update frequency", "choice", "数据多久更新一次。",
           "How often the data are updated.", required=True, words=labels.UPDATE_FREQUENCY),
    Column("records", "/asset/volume/records", "数据量（条）", "Records", "count", "记录条数；超过 15 位的请以文本填写。",
           "Number of records; enter more than 15 digits as text."),
    Column("bytes", "/asset/volume/bytes", "数据量（字节）", "Bytes", "count", "字节数；超过 15 位的请以文本填写。",
           "Number of bytes; enter more than 15 digits as text."),
    Column("media", "/asset/media", "数据形态", "Media", "choices", "图片、文本、视频、音频、表格、其他。" + _SEVERAL_ZH,
           "In what form the data are kept. " + _SEVERAL_EN, required=True, most=6, words=labels.MEDIA),
    Column("structure", "/asset/structure", "结构化程度", "Structure", "choice", "结构化、半结构化或非结构化。",
           "Structured, semi-structured or unstructured.", required=True, words=labels.STRUCTURE),
    Column("categories", "/asset/categories", "数据分类", "Categories", "choices",
           "公共数据、企业数据、个人数据。" + _SEVERAL_ZH, "Public, enterprise, personal. " + _SEVERAL_EN,
           required=True, most=3, words=labels.CATEGORIES),
    Column("grade", "/asset/grade", "数据分级", "Grade", "choice", "数据分类分级保护的级别。",
           "Grade under the protection of data by grades.", required=True, words=labels.GRADE),
    Column("personal_information", "/asset/personal_information", "个人信息", "Personal information", "choice",
           "数据是否含个人信息，及其处理情况。", "Whether the data hold personal information, and how it was treated.",
           required=True, words=labels.PERSONAL_INFORMATION),
    Column("restrict_customers", "/asset/restrictions/customers", "限制：对象", "Restriction: customers", "restriction",
           "只可提供给哪些对象；填“是”或“否”亦可。", "Whom the data may be supplied to; text, or yes or no.", most=2000),
    Column("restrict_qualification", "/asset/restrictions/qualification", "限制：资质", "Restriction: qualification",
           "restriction", "使用者须具备的资质。", "What users must be qualified for.", most=2000),
    Column("restrict_environment", "/asset/restrictions/environment", "限制：环境", "Restriction: environment",
           "restriction", "须在何种环境中使用。", "Where the data may be used, such as a controlled environment.", most=2000),
    Column("restrict_region", "/asset/restrictions/region", "限制：地域", "Restriction: region", "restriction",
           "可使用的地域。", "In which regions the data may be used.", most=2000),
    Column("restrict_resale", "/asset/restrictions/resale", "限制：转售", "Restriction: resale", "restriction",
           "转售的限制；填“是”表示有限制。", "Limits of resale; yes says that there are some.", most=2000),
    Column("restrict_export", "/asset/restrictions/export", "限制：出境", "Restriction: export", "restriction",
           "出境的限制；填“是”表示有限制。", "Limits of export; yes says that there are some.", most=2000),
    Column("restrict_other", "/asset/restrictions/other", "限制：其他", "Restriction: other", "restriction",
           "其他限制。", "Other limits.", most=2000),
    Column("fields", "/asset/fields", "字段", "Fields", "fields",
           "每项写作 字段名:标识，标识为 none、personal、sensitive；不含个人信息的数据可省略标识。" + _SEVERAL_ZH,
           "Each written name:mark, the mark one of none, personal, sensitive; data without personal information need no "
           "marks. " + _SEVERAL_EN, most=1000),
    Column("fingerprints", "/asset/fingerprints", "数据指纹", "Fingerprints", "fingerprints",
           "SHA-256 摘要，或写作 算法:值。" + _SEVERAL_ZH, "SHA-256 digests, or algorithm:value. " + _SEVERAL_EN, most=64),
    Column("identifiers", "/asset/identifiers", "其他标识", "Other identifiers", "identifiers",
           "写作 体系:值，如 doi:10.1000/182。" + _SEVERAL_ZH, "Written scheme:value, like doi:10.1000/182. " + _SEVERAL_EN,
           most=15),
    Column("links", "/asset/links", "网址", "Links", "links", "以 http:// 或 https:// 开头。" + _SEVERAL_ZH,
           "Addresses that begin with http:// or https://. " + _SEVERAL_EN, most=64),
    Column("origin", f"{SOURCE}/origin", "数据来源", "Origin", "choice", "申请表的四种来源之一。",
           "One of the four origins of the form.", required=True, words=labels.ORIGIN),
    Column("basis", f"{SOURCE}/basis", "取得依据", "Basis", "choice", "据以登记的条款；决定须填哪些事实。",
           "The provision by which rights can be registered; it decides which facts are needed.", required=True,
           words=labels.BASIS),
    _fact("contract", "合同摘要", "Contract digest", "合同文件的 SHA-256 摘要；没有合同填 none。",
          "SHA-256 of the contract; none if there is none."),
    _fact("clause_rights", "合同约定的权利", "Rights by clause", "合同条款约定的权利。" + _SEVERAL_ZH,
          "Rights that the clause of a contract gives. " + _SEVERAL_EN),
    _fact("contract_rights", "委托合同约定的权利", "Rights by mandate", "受托处理的，合同另行约定的权利。" + _SEVERAL_ZH,
          "Entrusted processing: rights that the contract gives. " + _SEVERAL_EN),
    _fact("unlawful", "违法取得", "Unlawful", "采集生成是否违反法律法规。", "Whether the law was broken."),
    _fact("breach_of_contract", "违反合同", "Breach of contract", "采集生成是否违反合同约定。",
          "Whether a contract was broken."),
    _fact("is_public", "属于公开数据", "Is public", "收集的是否为公开数据。", "Whether the data collected were public."),
    _fact("graded", "已分类分级", "Graded", "是否落实分类分级保护要求。", "Whether the data were classified and graded."),
    _fact("intrusion", "侵入网络", "Intrusion", "是否非法侵入他人网络。", "Whether a network was intruded into."),
    _fact("disturbance", "干扰服务", "Disturbance", "是否干扰网络服务正常运行。", "Whether a service was disturbed."),
    _fact("circumvention", "破坏技术措施", "Circumvention", "是否破坏有效技术措施。",
          "Whether technical measures were circumvented."),
    _fact("harm", "损害权益", "Harm", "是否损害个人、组织合法权益。", "Whether anybody's lawful interests were harmed."),
    _fact("substitutes_source", "实质性替代来源", "Substitutes source", "是否实质性替代被收集方的产品和服务。",
          "Whether the result substitutes the product or service of the source."),
    _fact("participants", "融合参与方", "Participants", "共同融合开发的主体编号。" + _SEVERAL_ZH,
          "Identifiers of the parties to the fusion. " + _SEVERAL_EN),
    _fact("change", "衍生方式", "Change", "对原始数据作了何种改变。", "What was done to the inputs.", labels.CHANGE),
    _fact("activity_time", "衍生完成时间", "Activity time", "衍生处理的时间。", "When the data were derived."),
    _fact("value_increase", "显著提升价值", "Value increase", "是否显著提升数据价值。",
          "Whether the value is markedly higher."),
    _fact("anonymised", "衍生时已匿名化", "Anonymised", "衍生处理时是否匿名化。", "Whether the derived data were anonymised."),
    _fact("public_platform_code", "公共数据登记查询码", "Public platform code", "公共数据资源登记平台的登记编码；没有填 none。",
          "Code of the registration on the platform of public data; none if there is none."),
    _fact("agreement_from", "授权协议起始日", "Agreement from", "授权运营协议的首日。", "First day of the agreement."),
    _fact("agreement_until", "授权协议截止日", "Agreement until", "授权运营协议的末日。", "Last day of the agreement."),
    Column("inputs", f"{SOURCE}/inputs", "投入数据", "Inputs", "inputs",
           "衍生所用数据：ast_…/rgt_…，登记簿外的写 external: 名称。" + _SEVERAL_ZH,
           "What the data were derived from: ast_…/rgt_…, or external: name. " + _SEVERAL_EN, most=64),
    Column("rights", f"{CLAIM}/rights", "申报权利", "Rights claimed", "kinds",
           "持有权、使用权、经营权，由申请人享有。" + _SEVERAL_ZH, "Rights of the applicant. " + _SEVERAL_EN,
           required=True, most=8, words=labels.RIGHTS),
    Column("purposes", f"{CLAIM}/scope/purposes", "用途", "Purposes", "purposes", "不填为不限。" + _SEVERAL_ZH,
           "None given: all. " + _SEVERAL_EN, most=200, words=labels.PURPOSES),
    Column("territory", f"{CLAIM}/scope/territory", "地域", "Territory", "territories",
           "ISO 3166 代码，如 CN、CN-SD；不填为不限。" + _SEVERAL_ZH, "ISO 3166 codes; none given: all. " + _SEVERAL_EN,
           most=200),
    Column("claim_fields", f"{CLAIM}/scope/fields", "权利所及字段", "Fields claimed", "names",
           "不填为全部字段。" + _SEVERAL_ZH, "None given: all. " + _SEVERAL_EN, most=200),
    Column("from", f"{CLAIM}/scope/from", "权利起始", "Rights from", "instant", "不填为登记之时。",
           "None given: the time of registration."),
    Column("until", f"{CLAIM}/scope/until", "权利截止", "Rights until", "end", "不填为不定期。" + _END_ZH,
           "None given: without end. " + _END_EN),
    Column("conditions", f"{CLAIM}/conditions", "权利限制与条件", "Conditions", "text", "权利行使的限制和条件。",
           "Limits and conditions of the rights.", most=2000),
    Column("evidence", "/evidence", "佐证材料", "Evidence", "evidence",
           "写作 种类:SHA-256 摘要，如 contract:9f86…；种类见词汇表。" + _SEVERAL_ZH,
           "Written kind:SHA-256, like contract:9f86…; kinds are in the vocabulary. " + _SEVERAL_EN, most=64,
           words=labels.EVIDENCE),
)  # fmt: skip

BY_MEMBER = {column.member: column for column in COLUMNS}
RESULT_TITLES = {"result": "结果/Result", "explanation": "说明/Explanation", "asset": "资产编号/Asset"}
"""Columns that a returned copy adds and that a reader passes over."""

assert {column.fact() for column in COLUMNS} - {None} == set(FACT_FORMS)
