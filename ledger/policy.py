"""Whom to trust: a policy names logs, witnesses, and how many of them make a checkpoint good enough.

    log <verifier key> [<url>]                        any number
    witness <name> <verifier key> [<url>]             any number; url: its submission prefix
    group <name> all|any|<k> <member> <member>…       stands for at least k of its members
    quorum <name>|none                                exactly one

A file of octets: 09, 0A, 20-7E and 80-FF. Items are parted by spaces and tabs; lines that are empty or begin with `#`
say nothing. Names of witnesses and groups share one space and are compared octet by octet; a name must be defined on a
line above the one that uses it, and is a member of one group at most. `none` is taken. No two logs have the same public
key, whatever they are called, and no two witnesses.

A checkpoint is good under a policy if a log of the policy has signed it, whose key bears the origin's name, and the
quorum has cosigned it. Source: https://c2sp.org/tlog-policy.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ledger.checkpoint import VerifiedCheckpoint, verify_checkpoint
from ledger.errors import FormatError, SignatureError, TooLargeError
from ledger.merkle import verify_inclusion
from ledger.note import (
    ED25519,
    ED25519_COSIGNATURE,
    ML_DSA_44_COSIGNATURE,
    VerifierKey,
    format_verifier_key,
    parse_verifier_key,
)
from ledger.proof import TlogProof

MAX_POLICY_BYTES = 256 << 10
"""Room for 32 logs and 32 witnesses with ML-DSA-44 keys of 1.8 kB, twice over."""
NONE = "none"

_LOG_KINDS = (ED25519, ML_DSA_44_COSIGNATURE)
_WITNESS_KINDS = (ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE)
_OTHER_OCTET = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_BLANK = re.compile(rb"[ \t]+")
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class PolicyLog:
    """A log that is trusted to sign. What its URL is good for is up to the application."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyWitness:
    """A witness under the name that the policy gives it. `url` is where checkpoints are submitted."""

    name: str
    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyGroup:
    """Stands for a checkpoint if at least `threshold` of `members`, witnesses or groups, do."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Made by `parse_policy`. Octets of names and URLs that are not UTF-8 are lone surrogates (PEP 383)."""

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[PolicyGroup, ...]
    quorum: str

    def is_met_by(self, witnesses: Collection[str]) -> bool:
        """Whether cosignatures of the witnesses with these names are enough."""
        return self.quorum == NONE or self._standing(witnesses)[self.quorum]

    def verify(self, note: str, log_keys: Sequence[VerifierKey] = ()) -> VerifiedCheckpoint:
        """The checkpoint of a note that is good under the policy. `log_keys` are logs that are trusted besides.

        A cosignature that says the time 0 says nothing about being the newest and does not count.

        Raises:
            FormatError: not the note of a checkpoint.
            SignatureError: a line by a known key does not verify, no trusted log has signed under its own name, or the
                quorum has not cosigned; in words.
        """
        logs = dict.fromkeys([*(log.key for log in self.logs), *log_keys])
        cosigners = [witness.key for witness in self.witnesses if witness.key not in logs]
        verified = verify_checkpoint(note, [*logs, *cosigners])
        origin = verified.checkpoint.origin
        if not any(key in logs and key.name == origin for key in verified.signed_by):
            raise SignatureError(f"no log of the policy has signed a checkpoint of {origin}")
        times = dict(zip(verified.signed_by, verified.timestamps, strict=True))
        cosigned = {witness.name for witness in self.witnesses if times.get(witness.key)}
        if not self.is_met_by(cosigned):
            raise SignatureError(self._missing(cosigned))
        return verified

    def verify_proof(self, proof: TlogProof, leaf: bytes, log_keys: Sequence[VerifierKey] = ()) -> VerifiedCheckpoint:
        """The checkpoint, good under the policy, in whose tree the entry with the leaf hash `leaf` stands.

        Raises:
            FormatError, SignatureError: see `verify`.
            ProofError: the path does not lead from the leaf to the root.
        """
        verified = self.verify(proof.checkpoint, log_keys)
        verify_inclusion(leaf, proof.index, verified.checkpoint.size, proof.path, verified.checkpoint.root)
        return verified

    def _standing(self, witnesses: Collection[str]) -> Mapping[str, bool]:
        """For every name whether it stands for a checkpoint that these witnesses cosigned."""
        standing = {witness.name: witness.name in witnesses for witness in self.witnesses}
        for group in self.groups:  # members come before their group
            standing[group.name] = sum(standing[member] for member in group.members) >= group.threshold
        return standing

    def _missing(self, cosigned: Collection[str]) -> str:
        groups = {group.name: group for group in self.groups}
        pending, silent = [self.quorum], []
        while pending:
            name = pending.pop()
            if name in groups:
                pending += reversed(groups[name].members)
            elif name not in cosigned:
                silent.append(name)
        need = f" ({group.threshold} of {len(group.members)})" if (group := groups.get(self.quorum)) else ""
        names = ", ".join(map(_shown, silent))
        return f"the quorum {_shown(self.quorum)}{need} is not met; there is no cosignature by {names}"


def parse_policy(data: bytes) -> Policy:
    """The policy that a file says.

    Raises:
        FormatError: another form; says in which line and what is wrong there. TooLargeError above 256 KiB.
    """
    if len(data) > MAX_POLICY_BYTES:
        raise TooLargeError(f"a policy has at most {MAX_POLICY_BYTES} bytes")
    reading = _Reading()
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            reading.read(line)
        except (FormatError, SignatureError) as error:
            raise FormatError(f"line {number}: {error}") from error
    if reading.quorum is None:
        raise FormatError("there is no line `quorum <name>` or `quorum none`")
    return Policy(tuple(reading.logs), tuple(reading.witnesses), tuple(reading.groups), reading.quorum)


def format_policy(policy: Policy) -> bytes:
    """A file that says the policy: `parse_policy(format_policy(p)) == p`.

    The other way round comments, white space, the order between lines of different kinds, and whether a threshold was
    written in digits or as `all` or `any` are not kept.
    """
    return "".join(f"{line}\n" for line in _lines(policy)).encode(errors="surrogateescape")


def _lines(policy: Policy) -> Iterator[str]:
    for log in policy.logs:
        yield " ".join(filter(None, ("log", format_verifier_key(log.key), log.url)))
    for witness in policy.witnesses:
        yield " ".join(filter(None, ("witness", witness.name, format_verifier_key(witness.key), witness.url)))
    for group in policy.groups:
        rule = {1: "any", len(group.members): "all"}.get(group.threshold, str(group.threshold))
        yield " ".join(("group", group.name, rule, *group.members))
    yield f"quorum {policy.quorum}"


@dataclass(slots=True)
class _Reading:
    """What the lines so far have said."""

    logs: list[PolicyLog] = field(default_factory=list)
    witnesses: list[PolicyWitness] = field(default_factory=list)
    groups: list[PolicyGroup] = field(default_factory=list)
    quorum: str | None = None
    _names: set[str] = field(default_factory=set)
    _members: set[str] = field(default_factory=set)

    def read(self, line: bytes) -> None:
        """The line is part of the policy.

        Raises:
            FormatError, SignatureError: what is wrong with it.
        """
        if (octet := _OTHER_OCTET.search(line)) is not None:
            raise FormatError(f"the octet {octet[0].hex()} may not stand in a policy")
        words = [word.decode(errors="surrogateescape") for word in _BLANK.split(line.strip(b" \t"))]
        if words == [""] or words[0].startswith("#"):
            return
        readers: dict[str, Callable[[list[str]], None]] = {
            "log": self._log, "witness": self._witness, "group": self._group, "quorum": self._quorum,
        }  # fmt: skip
        if words[0] not in readers:
            raise FormatError("a line begins with log, witness, group, quorum or #")
        readers[words[0]](words[1:])

    def _log(self, words: list[str]) -> None:
        if not 1 <= len(words) <= 2:
            raise FormatError("a log is `log <verifier key> [<url>]`")
        key = _key(words[0], _LOG_KINDS, "a log signs with kind 01 or 06")
        if any(log.key.public == key.public for log in self.logs):
            raise FormatError("another log has the same public key")
        self.logs.append(PolicyLog(key, *words[1:]))

    def _witness(self, words: list[str]) -> None:
        if not 2 <= len(words) <= 3:
            raise FormatError("a witness is `witness <name> <verifier key> [<url>]`")
        key = _key(words[1], _WITNESS_KINDS, "a witness signs with kind 04 or 06")
        if any(witness.key.public == key.public for witness in self.witnesses):
            raise FormatError("another witness has the same public key")
        self._define(words[0])
        self.witnesses.append(PolicyWitness(words[0], key, *words[2:]))

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise FormatError("a group is `group <name> all|any|<k> <member>…`, with a member at least")
        name, rule, *members = words
        for member in members:
            if member not in self._names:
                raise FormatError(f"{_shown(member)} is not defined above")
            if member in self._members:
                raise FormatError(f"{_shown(member)} is a member already; a name is a member once")
            self._members.add(member)
        self._define(name)
        self.groups.append(PolicyGroup(name, _threshold(rule, len(members)), tuple(members)))

    def _quorum(self, words: list[str]) -> None:
        if len(words) != 1:
            raise FormatError("a quorum is `quorum <name>` or `quorum none`")
        if self.quorum is not None:
            raise FormatError("there is a quorum already")
        if words[0] != NONE and words[0] not in self._names:
            raise FormatError(f"{_shown(words[0])} is not defined above")
        self.quorum = words[0]

    def _define(self, name: str) -> None:
        if name == NONE or name in self._names:
            raise FormatError(f"the name {_shown(name)} is taken")
        self._names.add(name)


def _key(text: str, kinds: Collection[int], otherwise: str) -> VerifierKey:
    key = parse_verifier_key(text)
    if key.kind not in kinds:
        raise FormatError(f"{otherwise}, not with {key.kind:02x}")
    return key


def _threshold(rule: str, members: int) -> int:
    if rule in ("all", "any"):
        return members if rule == "all" else 1
    if not _NUMBER.fullmatch(rule) or int(rule) > members:
        raise FormatError(f"of {members} members `all`, `any` or a number from 1 to {members} must stand for a group")
    return int(rule)


def _shown(name: str) -> str:
    """A name for people, whatever octets it is made of."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")
