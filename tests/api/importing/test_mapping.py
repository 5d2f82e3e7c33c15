"""Free words mapped to the form's values."""

import pytest

from api.importing import mapping
from api.importing.body import integer, links_in
from api.importing.formats import combine, kind_of, media_type_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Daily", ("daily", True)),
        ("New scenes are added daily.", ("daily", True)),
        ("Monthly.", ("monthly", True)),
        ("Annual", ("yearly", True)),
        ("As Needed", ("on_demand", True)),
        ("Near real-time", ("realtime", True)),
        ("每天", ("daily", True)),
        ("Not updated", ("other", True)),
        ("Varies by dataset", ("other", True)),
        ("", ("other", True)),
        ("Quarterly", ("other", False)),
        ("Semi-annually", ("other", False)),
        ("Every 2 years", ("other", False)),
        ("Metadata is updated monthly, images weekly", ("other", False)),
        ("It " + "may " * 30 + "be updated daily", ("other", False)),
    ],
)
def test_update_frequency(text: str, expected: tuple[str, bool]) -> None:
    assert mapping.update_frequency(text) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["Weather", "climate"], "M74"),
        (["genomic"], "Q84"),
        (["transportation", "traffic", "mapping"], "G54"),
        (["nothing known"], "I65"),
        ([], "I65"),
    ],
)
def test_industry(tags: list[str], expected: str) -> None:
    assert mapping.industry(tags) == expected


@pytest.mark.parametrize(
    ("publisher", "licence", "expected"),
    [
        ("[NOAA](http://www.noaa.gov/)", "", "public"),
        ("Radboud University", "US Government work", "public"),
        ("[Amazon](https://www.amazon.com/)", "CC0", "enterprise"),
        ("", "", "enterprise"),
    ],
)
def test_category(publisher: str, licence: str, expected: str) -> None:
    assert mapping.category(publisher, licence) == expected


def test_human_data() -> None:
    assert mapping.human_data(["Homo sapiens"], "", "") == "Homo sapiens"
    assert mapping.human_data(["genomic"], "genomes of 2,500 individuals", "") == "individuals"
    assert mapping.human_data(["weather"], "individuals", "") == ""
    assert mapping.human_data([], "", "these de-identified images") == "de-identified"


def test_region() -> None:
    assert mapping.region("Sentinel-2", []) == ("international", "")
    assert mapping.region("District of Columbia - LiDAR", []) == ("province", "US-DC")
    assert mapping.region("LiDAR", ["canada"]) == ("national", "CA")


def test_media() -> None:
    assert mapping.media(["csv"]) == (["table"], "structured")
    assert mapping.media(["netcdf", "satellite imagery"]) == (["image", "other"], "semi_structured")
    assert mapping.media([]) == (["other"], "unstructured")


@pytest.mark.parametrize(
    ("name", "media_type", "kind"),
    [
        ("a.CSV", "text/csv", ("table", "structured")),
        ("a.csv.gz", "application/gzip", ("table", "structured")),
        ("a.parquet", "application/vnd.apache.parquet", ("table", "structured")),
        ("a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ("table", "structured")),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ("text", "unstructured")),
        ("a.png", "image/png", ("image", "unstructured")),
        ("a.json", "application/json", ("text", "semi_structured")),
        ("a.txt", "text/plain", ("text", "unstructured")),
        ("data:,a", "application/octet-stream", None),
        ("a.zip", "application/zip", None),
        ("", "application/octet-stream", None),
    ],
)
def test_media_types(name: str, media_type: str, kind: tuple[str, str] | None) -> None:
    outer, inner = media_type_of(name)
    assert outer == media_type
    assert kind_of(inner) == kind
    assert combine([])[0] == ["other"]


def test_links() -> None:
    text = "See [here](https://a.test/x_(y)), <a href='http://b.test/'>b</a> and https://a.test/x_(y). ftp://c https://"
    assert links_in([text, "(https://d.test/e)[https://f.test]"]) == [
        "https://a.test/x_(y)",
        "http://b.test/",
        "https://d.test/e",
        "https://f.test",
    ]
    assert links_in(["https://a.test/" + "b" * 500]) == []


def test_integers() -> None:
    assert integer(2**53 - 1) == 2**53 - 1
    assert integer(2**53) == "9007199254740992"
