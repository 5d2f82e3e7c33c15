"""The real data of the demonstration: files of the package `vega-datasets`, and a product computed from one of them."""

import csv
import hashlib
import io
import json
from collections import defaultdict
from importlib.resources import files
from pathlib import Path
from statistics import fmean
from typing import Any

NAMES_PERSONS = "la-riots.csv"
"""Left out: it names natural persons, and personal data need more than a collector's word."""
SOURCE = "seattle-weather.csv"
_MEDIA = {".csv": "structured", ".json": "semi_structured"}
COLLECTED = {
    "origin": "public_collection",
    "basis": "public_collection",
    "facts": {
        "is_public": True,
        "graded": True,
        "intrusion": False,
        "disturbance": False,
        "circumvention": False,
        "harm": False,
    },
}
BANK_FORM = {
    "name": "2026年示例市银行网点客流汇总数据",
    "overview": "各营业网点每日客流人次的汇总，不含个人信息，用于网点选址与排班。",
    "form": "resource",
    "industry": "J66",
    "region_scope": "city",
    "update_frequency": "daily",
    "volume": {"records": 3650},
    "media": ["table"],
    "structure": "structured",
    "categories": ["enterprise"],
    "grade": "general",
    "personal_information": "none",
}


class MaterialError(Exception):
    """The data of the demonstration are not installed."""


def raw_files() -> dict[str, bytes]:
    """The data files by name."""
    try:
        folder = files("vega_datasets") / "_data"
    except ModuleNotFoundError as error:
        raise MaterialError("the package vega-datasets is not installed; `make demo` installs it") from error
    found = {item.name: item.read_bytes() for item in folder.iterdir() if Path(item.name).suffix in _MEDIA}
    return {name: found[name] for name in sorted(found) if name != NAMES_PERSONS}


def raw_form(name: str, data: bytes) -> dict[str, Any]:
    """The form of a collected file."""
    return {
        "name": f"vega-datasets {name}",
        "overview": f"公开示例数据文件 {name}，取自软件包 vega-datasets，共 {len(data)} 字节，按原样收集。",
        "form": "raw",
        "industry": "I65",
        "region_scope": "international",
        "update_frequency": "other",
        "volume": {"bytes": len(data)},
        "media": ["table"],
        "structure": _MEDIA[Path(name).suffix],
        "categories": ["public"],
        "grade": "general",
        "personal_information": "none",
        "fingerprints": [fingerprint(data)],
        "identifiers": [{"scheme": "vega-datasets", "value": name}],
    }


def fingerprint(data: bytes) -> dict[str, str]:
    """The SHA-256 of a file."""
    return {"alg": "sha-256", "value": hashlib.sha256(data).hexdigest()}


def monthly_summary(weather: bytes) -> bytes:
    """Rain and mean temperature of each month, computed from the daily file: CSV."""
    rain: dict[str, float] = defaultdict(float)
    warmth: dict[str, list[float]] = defaultdict(list)
    for row in csv.DictReader(io.StringIO(weather.decode())):
        month = row["date"][:7].replace("/", "-")
        rain[month] += float(row["precipitation"])
        warmth[month].append((float(row["temp_max"]) + float(row["temp_min"])) / 2)
    lines = ["month,precipitation_mm,mean_temperature_c"]
    lines += [f"{month},{rain[month]:.1f},{fmean(warmth[month]):.2f}" for month in sorted(rain)]
    return ("\n".join(lines) + "\n").encode()


def months_of(summary: bytes) -> int:
    """How many months a summary has: one a line, below the heading."""
    return len(summary.splitlines()) - 1


def product_form(data: bytes) -> dict[str, Any]:
    """The form of the summary."""
    months = months_of(data)
    return {
        "name": "2012年至2015年西雅图月度气象汇总表",
        "overview": f"由每日观测计算的月降水量与月平均气温，共 {months} 个月，用于保险定价与农业研究。",
        "form": "derived",
        "industry": "M74",
        "region_scope": "city",
        "update_frequency": "other",
        "volume": {"records": months, "bytes": len(data)},
        "media": ["table"],
        "structure": "structured",
        "categories": ["enterprise"],
        "grade": "general",
        "personal_information": "none",
        "fields": [{"name": name, "personal": "none"} for name in ("month", "precipitation_mm", "mean_temperature_c")],
        "fingerprints": [fingerprint(data)],
    }


def save(value: Any, path: Path) -> Path:
    """A value as a JSON file that somebody keeps."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2))
    return path
