"""Free words of descriptors mapped to the form's values: small tables, each with what holds if nothing matches."""

import re
from collections import Counter
from collections.abc import Iterable

from api.importing.formats import combine

DEFAULT_INDUSTRY = "I65"
_READ_CHARACTERS = 65_536
_STATEMENT_CHARACTERS = 80


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split("|"))


# GB/T 4754-2017: letter and division. Of equally frequent ones the first counts.
_INDUSTRIES: dict[str, frozenset[str]] = {
    "M74": _words(
        # professional technical services: meteorology, earthquakes, seas, surveying and mapping, monitoring, geology
        """aerial imagery|air quality|air temperature|atmosphere|bathymetry|climate|climate model|climate projections|
        coastal|disaster response|earth observation|earthquakes|elevation|environmental|forecast|geology|geophysics|
        geoscience|geospatial|gnss|hydrography|hydrology|ice|land|land cover|land use|lidar|mapping|marine|
        meteorological|oceans|osm|precipitation|radar|satellite imagery|seismology|soil moisture|
        synthetic aperture radar|water|weather"""
    ),
    "Q84": _words(
        # health
        """bioinformatics|cancer|coronavirus|covid-19|digital pathology|epigenomics|gene expression|genetic|genome|
        genome wide association study|genomic|health|histopathology|homo sapiens|life sciences|
        magnetic resonance imaging|medical image computing|medical imaging|medicine|metagenomics|microbiome|
        neuroimaging|pharmaceutical|population genetics|radiology|sars-cov-2|transcriptomics|variant annotation|vcf|
        whole exome sequencing|whole genome sequencing"""
    ),
    "G54": frozenset(["autonomous vehicles", "last mile", "logistics", "routing", "traffic", "transportation"]),
    "D44": frozenset(["electricity", "energy", "energy modeling", "fossil fuel", "geothermal", "solar"]),
    "J67": frozenset(["financial markets", "market data", "finance", "credit_scoring"]),
    "M73": frozenset(["astronomy", "chemistry", "materials science", "physics", "planetary"]),
}

_KINDS: dict[tuple[str, str], frozenset[str]] = {
    ("image", "unstructured"): _words(
        """aerial imagery|brain images|cell imaging|cog|computed tomography|computer vision|digital pathology|
        electron microscopy|fluorescence imaging|histopathology|image processing|imaging|magnetic resonance imaging|
        medical imaging|microscopy|radiology|satellite imagery|tiff|x-ray"""
    ),
    ("text", "unstructured"): frozenset(
        ["dialog", "legal data", "machine translation", "natural language processing", "text analysis", "web archive"]
    ),
    ("text", "semi_structured"): frozenset(["json", "rdf", "source code", "xml"]),
    ("video", "unstructured"): frozenset(["video"]),
    ("audio", "unstructured"): frozenset(["audio", "music", "speech processing", "speech recognition"]),
    ("table", "structured"): frozenset(["census", "csv", "parquet", "statistics", "vcf"]),
    ("other", "semi_structured"): frozenset(
        ["bam", "cram", "fasta", "fastq", "grib", "hdf", "hdf5", "lidar", "netcdf", "nifti", "zarr"]
    ),
}

_FREQUENCIES = {
    "realtime": r"real[- ]?time|continuous(?:ly)?|实时",
    "daily": r"daily|(?:each|every|per|a) day|每天|每日|按天",
    "weekly": r"weekly|(?:each|every|per|a) week|every (?:mon|tues|wednes|thurs|fri|satur|sun)day|每周|按周",
    "monthly": r"monthly|(?:each|every|per|a) month|每月|按月",
    "yearly": r"yearly|annual(?:ly)?|(?:each|every|per|a) year|每年|按年",
    "on_demand": r"(?:as|when|if) (?:needed|required|necessary)|(?:up)?on (?:request|demand)|ad[- ]hoc|按需",
}
_FREQUENCY_WORDS = {value: re.compile(rf"(?<![\w-])(?:{words})(?!\w)") for value, words in _FREQUENCIES.items()}
_OTHER_RHYTHM = re.compile(
    r"hourly|every (?:\w+ )?hours?|quarter|\b(?:semi|bi)[- ]?(?:annual|week|month|year)|twice|half[- ]year|"
    r"less than|\brare|paused|every (?:\d+|two|three|four|few|other) |季|半年"
)
_NO_UPDATES = re.compile(
    r"\s*(?:none|never|static|n/?a|tbd|finali[sz]ed|unknown|complete|no\b.*updat.*|not\b.*updat.*|varies.*|"
    r"(?:this|the) dataset is complete)?[.\s]*"
)

_HUMAN = _words(
    """autism spectrum disorder|breast cancer|cancer|demographics|digital pathology|disclosure avoidance|
    health|histopathology|homo sapiens|mammography|medical image computing|medical imaging|
    medicine|microdata|neuroimaging|pediatric|population genetics|radiology|whole exome sequencing"""
)
_PEOPLE = re.compile(
    r"\b(?:patients?|participants|volunteers|donors|individuals|children|human (?:genom\w+|genetic|brain|subjects))\b|"
    r"患者|受试者|人类",
    re.IGNORECASE,
)
_DEIDENTIFIED = re.compile(r"\bde-?identif\w*|\bpseudonymi[sz]\w*|脱敏|去标识", re.IGNORECASE)

_PUBLIC_BODY = re.compile(
    r"\bNASA\b|\bNOAA\b|\bUSGS\b|\bJAXA\b|\bESA\b|\bECMWF\b|\bNIH\b|\bNCBI\b|\bNIST\b|\bAODN\b|\bNARA\b|\bUSDA\b|"
    r"\bCSIRO\b|\bINPE\b|\bIDEAM\b|\.go[vb]\b|\.gov\.|\.gc\.ca|\.go\.jp|\.admin\.ch|[Gg]overnment|[Gg]overnor|"
    r"\bMinistry\b|\bDepartment of (?:Agriculture|Commerce|Energy|Interior|Transportation|the)|\bCensus Bureau\b|"
    r"\bNational (?:Aeronautics|Archives|Cancer Institute|Center for Atmospheric|Institutes? of|Library of|Oceanic|"
    r"Renewable Energy Lab|Laboratory of)|\bMet Office\b|\bMeteorological Institute\b|\bWeather (?:Adm|Bureau)|"
    r"\bEnvironmental Protection Agency\b|\bGeological Survey\b|\bNatural Resources Canada\b|\bCanada Centre\b|"
    r"\bInternal Revenue\b|\bLibrary of Congress\b|\b(?:City|State|County) of\b|\bGeographic Information\b|"
    r"\bLand Information New Zealand\b|\bWorld Bank\b|\bPacific Community\b|政府|委员会|统计局|气象局"
)
_PUBLIC_LICENCE = re.compile(
    r"\bU\.?S\.? Government\b|\bGovernment work\b|Crown copyright|Open Government Licen[cs]e|public sector|"
    r"\bNOAA data\b",
    re.IGNORECASE,
)

_REGION_TAGS = {
    "canada": ("national", "CA"),
    "us": ("national", "US"),
    "us-dc": ("province", "US-DC"),
}
_REGION_NAMES = (
    (re.compile(r"\bDistrict of Columbia\b|\bWashington,? D\.?C\b"), ("province", "US-DC")),
    (re.compile(r"\bNew York City\b"), ("city", "US-NY")),
    (re.compile(r"\b(?:State of )?Colorado\b"), ("province", "US-CO")),
    (re.compile(r"\bIndiana\b"), ("province", "US-IN")),
    (re.compile(r"\b(?:Kentucky|KyFromAbove)\b"), ("province", "US-KY")),
    (re.compile(r"\bNew Jersey\b"), ("province", "US-NJ")),
    (re.compile(r"\bUnited States\b|\bU\.S\.(?=\s|$)|\bU\.?S\.? Census\b|\b20[012]0 Census\b"), ("national", "US")),
    (re.compile(r"\bCanad(?:a|ian)\b"), ("national", "CA")),
)


def industry(tags: Iterable[str]) -> str:
    """The industry most tags speak for; software and information technology services if none does."""
    votes: Counter[str] = Counter()
    for tag in tags:
        votes.update(code for code, words in _INDUSTRIES.items() if tag.casefold() in words)
    return max(_INDUSTRIES, key=lambda code: votes[code]) if votes else DEFAULT_INDUSTRY


def media(tags: Iterable[str]) -> tuple[list[str], str]:
    """`media` and `structure` by the tags; other and unstructured if none tells."""
    words = {tag.casefold() for tag in tags}
    return combine(kind for kind, tagged in _KINDS.items() if words & tagged)


def update_frequency(text: str) -> tuple[str, bool]:
    """The rhythm the text names, `other` if it names none or several, and whether nothing of the text is lost.

    Only a short statement, or a short first sentence, is taken at its word: longer ones come with ifs and buts.
    """
    words = text[:_READ_CHARACTERS].strip().casefold()
    first = re.split(r"[.;\n。；]", words, maxsplit=1)[0]
    found = [value for value, pattern in _FREQUENCY_WORDS.items() if pattern.search(first)]
    if len(first) <= _STATEMENT_CHARACTERS and len(found) == 1 and not _OTHER_RHYTHM.search(first):
        return found[0], True
    return "other", not found and _NO_UPDATES.fullmatch(words[:1000]) is not None


def category(publisher: str, licence: str) -> str:
    """`public` where the publisher reads like a public body or the licence like a government's, else `enterprise`."""
    return "public" if _PUBLIC_BODY.search(publisher) or _PUBLIC_LICENCE.search(licence) else "enterprise"


def human_data(tags: Iterable[str], description: str, licence: str) -> str:
    """What in the descriptor hints at data on people, even de-identified; empty if nothing.

    A tag; or a word for people in the description where the tags are of health and genetics; or the licence.
    """
    words = {tag.casefold(): tag for tag in tags}
    for word, tag in words.items():
        if word in _HUMAN:
            return tag
    of_health = not _INDUSTRIES["Q84"].isdisjoint(words)
    match = (of_health and _PEOPLE.search(description[:_READ_CHARACTERS])) or _DEIDENTIFIED.search(licence)
    return match.group() if match else ""


def region(name: str, tags: Iterable[str]) -> tuple[str, str]:
    """(`region_scope`, `region`): international and no region unless name or tags say otherwise."""
    for pattern, found in _REGION_NAMES:
        if pattern.search(name):
            return found
    for tag in tags:
        if tag.casefold() in _REGION_TAGS:
            return _REGION_TAGS[tag.casefold()]
    return "international", ""
