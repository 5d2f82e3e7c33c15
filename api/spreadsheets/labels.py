"""The words of the form and their labels in both languages. Contract section 5; domain.md section 8.

A cell may hold the word or either label; statements hold the word.
"""

from api.spreadsheets.industries import INDUSTRIES
from registry.acts.shapes import EVIDENCE_KINDS
from registry.title.vocabulary import KINDS, PURPOSE_HEADS, RIGHT_NAMES

Labels = dict[str, tuple[str, str]]
"""word → (zh, en)"""

FORM: Labels = {
    "raw": ("原始数据", "raw data"),
    "resource": ("数据资源", "data resource"),
    "product": ("数据产品", "data product"),
    "service": ("数据服务", "data service"),
    "derived": ("衍生数据", "derived data"),
}
REGION_SCOPE: Labels = {
    "international": ("国际", "international"),
    "national": ("全国", "national"),
    "province": ("省级", "province"),
    "city": ("市级", "city"),
    "county": ("区县级", "county"),
    "below_county": ("区县级以下", "below county"),
}
UPDATE_FREQUENCY: Labels = {
    "daily": ("按天", "daily"),
    "weekly": ("按周", "weekly"),
    "monthly": ("按月", "monthly"),
    "yearly": ("按年", "yearly"),
    "on_demand": ("按需", "on demand"),
    "realtime": ("实时", "real time"),
    "other": ("其他", "other"),
}
MEDIA: Labels = {
    "image": ("图片", "image"),
    "text": ("文本", "text"),
    "video": ("视频", "video"),
    "audio": ("音频", "audio"),
    "table": ("表格", "table"),
    "other": ("其他", "other"),
}
STRUCTURE: Labels = {
    "structured": ("结构化", "structured"),
    "semi_structured": ("半结构化", "semi-structured"),
    "unstructured": ("非结构化", "unstructured"),
}
CATEGORIES: Labels = {
    "public": ("公共数据", "public data"),
    "enterprise": ("企业数据", "enterprise data"),
    "personal": ("个人数据", "personal data"),
}
GRADE: Labels = {
    "core": ("核心", "core"),
    "important": ("重要", "important"),
    "general": ("一般", "general"),
    "ungraded": ("未定级", "ungraded"),
}
PERSONAL_INFORMATION: Labels = {
    "none": ("不含", "none"),
    "anonymised": ("已匿名化", "anonymised"),
    "deidentified": ("已去标识化", "de-identified"),
    "personal": ("个人信息", "personal information"),
    "sensitive": ("敏感个人信息", "sensitive personal information"),
    "minor": ("不满十四周岁未成年人信息", "information on minors under fourteen"),
}
FIELD_MARK: Labels = {
    "none": ("不含", "none"),
    "personal": ("个人信息", "personal"),
    "sensitive": ("敏感个人信息", "sensitive"),
}
ORIGIN: Labels = {
    "generated": ("采集生成", "collected or generated"),
    "public_collection": ("通过自动化程序收集公开数据", "public data collected by programs"),
    "agreement": ("协议取得", "by agreement"),
    "derived": ("衍生创造", "derived"),
}
BASIS: Labels = {
    "own_operation": ("自身生产经营", "own operation"),
    "natural_person": ("自然人合法取得", "natural person"),
    "utility": ("公用企业提供公共服务", "public utility"),
    "data_source": ("促成产生数据并以合同授权采集", "data source under contract"),
    "agreement": ("协议约定", "agreement"),
    "public_collection": ("自动化程序收集公开数据", "collection of public data"),
    "fusion": ("多方数据融合", "fusion"),
    "derived": ("衍生数据", "derived"),
    "entrusted": ("受托处理", "entrusted processing"),
    "authorised_operation": ("公共数据授权运营", "authorised operation of public data"),
    "government_duty": ("党政机关履职", "duties of government organs"),
}
CHANGE: Labels = {
    "derivative": ("实质改变", "derivative"),
    "compilation": ("汇编", "compilation"),
    "subset": ("截取", "subset"),
    "format": ("格式转换", "format"),
}
RIGHTS: Labels = {kind: (RIGHT_NAMES[kind].zh, RIGHT_NAMES[kind].en) for kind in KINDS}
PURPOSES: Labels = {
    "*": ("不限", "any"),
    "public_governance": ("公共治理", "public governance"),
    "public_welfare": ("公益事业", "public welfare"),
    "industry_development": ("产业行业发展", "industry development"),
    "internal_operation": ("内部经营", "internal operation"),
    "research": ("科学研究", "research"),
    "analytics": ("统计分析", "analytics"),
    "model_training": ("模型训练", "model training"),
    "credit": ("信用评估", "credit"),
    "insurance": ("保险", "insurance"),
    "marketing": ("营销", "marketing"),
    "recruitment": ("招聘", "recruitment"),
    "medical_care": ("诊疗", "medical care"),
    "product_development": ("产品开发", "product development"),
    "resale": ("转售", "resale"),
    "regulatory": ("监管", "regulatory"),
    "judicial": ("司法", "judicial"),
}
EVIDENCE: Labels = {
    "identity": ("身份证明", "identity"),
    "power_of_attorney": ("委托书", "power of attorney"),
    "source_statement": ("来源说明", "source statement"),
    "collection_log": ("采集记录", "collection log"),
    "contract": ("合同", "contract"),
    "authorisation": ("授权书", "authorisation"),
    "consent": ("同意记录", "consent"),
    "pipia": ("个人信息保护影响评估", "personal information impact assessment"),
    "security_assessment": ("安全风险评估", "security assessment"),
    "anonymisation_report": ("匿名化报告", "anonymisation report"),
    "compliance_report": ("合规审查报告", "compliance report"),
    "legal_opinion": ("法律意见", "legal opinion"),
    "quality_report": ("质量评估", "quality report"),
    "sample": ("数据样例", "sample"),
    "description": ("数据描述", "description"),
    "fingerprint": ("数据指纹", "fingerprint"),
    "watermark": ("数据水印", "watermark"),
    "deposit_receipt": ("存证凭证", "deposit receipt"),
    "notarisation": ("公证", "notarisation"),
    "public_query_code": ("公共数据查询码", "public query code"),
    "operation_agreement": ("授权运营协议", "operation agreement"),
    "non_substitution_report": ("非实质替代说明", "non-substitution report"),
    "co_party_consent": ("参与方同意", "consent of the other parties"),
    "cost_ledger": ("成本归集", "cost ledger"),
    "judgment": ("生效法律文书", "judgment"),
    "order": ("协助执行或行政文书", "order"),
    "commitment": ("声明承诺", "commitment"),
}
YES_NO: Labels = {"true": ("是", "yes"), "false": ("否", "no")}
INDUSTRY: Labels = {code: (f"{code} {zh}", f"{code} {en}") for code, (zh, en) in INDUSTRIES.items()}

assert EVIDENCE.keys() == EVIDENCE_KINDS
assert PURPOSES.keys() - {"*"} == PURPOSE_HEADS
