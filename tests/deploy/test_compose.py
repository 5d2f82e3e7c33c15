"""The files that make the container, read as text: no engine is needed to see that they keep their promises."""

import fnmatch
import json
import re
import shlex
from pathlib import Path

import yaml

TOP = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((TOP / "docker-compose.yml").read_text(encoding="utf-8"))
API = COMPOSE["services"]["api"]
# The options of `sanquan serve`, contract section 10, each also as an environment variable.
OPTIONS = {
    "SANQUAN_DATA",
    "SANQUAN_HOST",
    "SANQUAN_PORT",
    "SANQUAN_ORIGIN",
    "SANQUAN_DATABASE",
    "SANQUAN_ADMISSION",
    "SANQUAN_VISIBILITY",
    "SANQUAN_POLICY",
    "SANQUAN_SIMULATED_CLOCK",
}


def read_dockerfile() -> list[list[tuple[str, str]]]:
    """The instructions of the Dockerfile, stage by stage, continued lines joined."""
    text = (TOP / "deploy/Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    stages: list[list[tuple[str, str]]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            stages.append([])
        stages[-1].append((name, " ".join(rest.split())))
    return stages


BUILD, FINAL = read_dockerfile()


def all_of(stage: list[tuple[str, str]], name: str) -> list[str]:
    return [rest for each, rest in stage if each == name]


def environment(stage: list[tuple[str, str]]) -> dict[str, str]:
    pairs = (pair.partition("=") for rest in all_of(stage, "ENV") for pair in shlex.split(rest))
    return {name: value for name, _, value in pairs}


def healthcheck_of_image() -> list[str]:
    (line,) = all_of(FINAL, "HEALTHCHECK")
    command: list[str] = json.loads(line.partition("CMD ")[2])
    return command


def locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (TOP / name).read_text(encoding="utf-8"), flags=re.MULTILINE))


def test_both_stages_start_from_the_same_slim_python() -> None:
    assert all_of(BUILD, "FROM") == ["python:3.13-slim AS build"]
    assert all_of(FINAL, "FROM") == ["python:3.13-slim"]


def test_the_image_does_not_run_as_root() -> None:
    user = all_of(FINAL, "USER")[-1]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    after = FINAL[FINAL.index(("USER", user)) :]
    assert not all_of(after, "RUN")
    assert "user" not in API


def test_nothing_is_installed_without_a_hash() -> None:
    installs = [
        rest for stage in (BUILD, FINAL) for rest in all_of(stage, "RUN") if " install " in rest and "pip" in rest
    ]
    dependencies, project = installs
    assert "--require-hashes -r requirements.lock" in dependencies
    assert "--no-deps --no-build-isolation ." in project


def test_the_locks_hold_what_builds_the_project_and_agree() -> None:
    run, dev = locked("requirements.lock"), locked("requirements-dev.lock")
    assert {"hatchling", "editables"} <= run.keys()
    assert run.items() <= dev.items()


def test_the_locks_pin_every_line_by_hash_and_name_no_host() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (TOP / name).read_text(encoding="utf-8")
        assert "://" not in text
        for requirement in text.replace("\\\n", " ").splitlines():
            assert re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", requirement)


def test_a_folder_in_the_working_directory_cannot_shadow_the_packages() -> None:
    assert environment(FINAL)["PYTHONSAFEPATH"] == "1"


def test_the_data_lie_in_a_volume() -> None:
    assert all_of(FINAL, "VOLUME") == [environment(FINAL)["SANQUAN_DATA"]] == ["/data"]
    (volume,) = API["volumes"]
    name, target = volume.split(":")
    assert target == "/data"
    assert name in COMPOSE["volumes"]


def test_the_port_is_the_same_everywhere() -> None:
    assert environment(FINAL)["SANQUAN_PORT"] == "8000"
    assert all_of(FINAL, "EXPOSE") == ["8000"]
    assert [port.rpartition(":")[2] for port in API["ports"]] == ["8000"]


def test_health_is_asked_by_python_in_image_and_compose_alike() -> None:
    command = healthcheck_of_image()
    assert command[:2] == ["python", "-c"]
    assert "/healthz" in command[2]
    compile(command[2], "healthcheck", "exec")
    assert API["healthcheck"]["test"] == ["CMD", *command]


def test_the_container_can_write_to_its_volume_and_tmp_only() -> None:
    assert API["read_only"] is True
    assert API["tmpfs"] == ["/tmp"]
    assert API["cap_drop"] == ["ALL"]
    assert "cap_add" not in API
    assert "privileged" not in API
    assert API["security_opt"] == ["no-new-privileges:true"]


def test_compose_builds_the_image_from_here() -> None:
    context = TOP / API["build"]["context"]
    assert (context / API["build"]["dockerfile"]).samefile(TOP / "deploy/Dockerfile")


def test_the_origin_must_be_given_and_parties_verified() -> None:
    assert API["environment"]["SANQUAN_ORIGIN"].startswith("${SANQUAN_ORIGIN:?")
    assert API["environment"]["SANQUAN_ADMISSION"] == "verified"


def test_only_options_that_exist_are_set() -> None:
    used = {*API["environment"], *environment(FINAL)}
    ours = {name for name in used if name.startswith("SANQUAN_")}
    assert ours
    assert ours <= OPTIONS
    text = (TOP / "docker-compose.yml").read_text(encoding="utf-8") + (TOP / "deploy/Dockerfile").read_text(
        encoding="utf-8"
    )
    assert set(re.findall(r"SANQUAN_[A-Z_]+", text)) <= OPTIONS


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    lines = (TOP / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {source for rest in all_of(BUILD, "COPY") for source in rest.split()[:-1]}
    assert copied == let_in
    assert all((TOP / source).exists() for source in copied)
    assert any(fnmatch.fnmatch("api/x/__pycache__", rule) for rule in rules[1:])
