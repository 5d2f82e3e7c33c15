"""The policy that a server is started with: it must be one by which the server's own log can be good."""

from collections.abc import Sequence

from api.settings import SettingError, Settings
from ledger.errors import FormatError
from ledger.note import VerifierKey, format_verifier_key
from ledger.policy import Policy, parse_policy


def policy_of(settings: Settings, log_keys: Sequence[VerifierKey]) -> Policy | None:
    """The policy of `--policy`, if there is one.

    Raises:
        SettingError: no such file, no policy, or one that does not list a key of this log.
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
    if not {log.key for log in policy.logs} & set(log_keys):
        line = f"log {format_verifier_key(log_keys[0])}"
        raise SettingError(
            f"{settings.policy} lists no key of this log, so nothing that it signs would be good under it; add: {line}",
            f"{settings.policy} 未列入本账本的公钥，依此策略本账本所签均不成立；请加入一行：{line}",
        )
    return policy
