"""The policy that a server is started with: it must be one by which the server's own log can be good."""

from collections.abc import Sequence

from api.settings import SettingError, Settings
from ledger.checkpoint import parse_checkpoint
from ledger.cosigning import witnessed_sizes
from ledger.errors import FormatError
from ledger.note import VerifierKey, format_verifier_key, parse_note
from ledger.policy import Policy, parse_policy
from registry.refusals.refusal import Words
from registry.starting import KeptElsewhere, SignedFact


def read_policy(settings: Settings) -> Policy | None:
    """The policy of `--policy`, if there is one.

    Raises:
        SettingError: no such file, or no policy.
    """
    if settings.policy is None:
        return None
    try:
        policy = parse_policy(settings.policy.read_bytes())
    except OSError as error:
        raise SettingError(
            f"the policy cannot be read: {settings.policy}: {error.strerror}",
            f"见证策略文件无法读取：{settings.policy}",
        ) from error
    except FormatError as error:
        raise SettingError(f"{settings.policy}: {error}", f"{settings.policy} 不是有效的见证策略（{error}）") from error
    return policy


def policy_of(settings: Settings, log_keys: Sequence[VerifierKey]) -> Policy | None:
    """The policy of `--policy`, if there is one.

    Raises:
        SettingError: see `read_policy`, or it lists no key of this log.
    """
    policy = read_policy(settings)
    if policy is not None and not {log.key for log in policy.logs} & set(log_keys):
        line = f"log {format_verifier_key(log_keys[0])}"
        raise SettingError(
            f"{settings.policy} lists no key of this log, so nothing that it signs would be good under it; add: {line}",
            f"{settings.policy} 未列入本账本的公钥，依此策略本账本所签均不成立；请加入一行：{line}",
        )
    return policy


def kept_by_witnesses(policy: Policy | None) -> KeptElsewhere:
    """What the witnesses of a policy can show of a log, as a start compares it: the log's own signature is under it."""

    def kept(origin: str) -> Sequence[SignedFact]:
        if policy is None:
            return ()
        log_keys = [log.key for log in policy.logs if log.key.name == origin]
        facts = []
        for name, witnessed in witnessed_sizes(policy, origin, log_keys).items():
            if witnessed.note is not None:
                seen = parse_checkpoint(parse_note(witnessed.note).text)
                facts.append(SignedFact(Words(f"The witness {name}", f"见证人 {name} "), seen.size, seen.root))
        return facts

    return kept
