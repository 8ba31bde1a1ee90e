"""Requests of services: health, limits, tokens, the audit log and owners."""

from __future__ import annotations

from typing import Any

from .._call import Call, Response, json_of, model, path_of, validated, with_query
from ..models import AuditPage, Health, Limits, MintedToken, OwnerErasure, TokenRevocation


class HealthCall(Call[Health]):
    """503 is an answer, too."""

    def result(self, response: Response) -> Health:
        """What the API says of itself, whether it can work or not."""
        if response.status == 503:
            return validated(Health, json_of(response))
        return super().result(response)


def health() -> Call[Health]:
    """Whether the API can work."""
    return HealthCall("GET", "/health", model(Health), timeout_s=10.0)


def limits() -> Call[Limits]:
    """The caller's limits, and what of them is used."""
    return Call("GET", path_of("limits"), model(Limits))


def mint_token(subject: str, scopes: list[str] | None, expires_in_s: int | None) -> Call[MintedToken]:
    """A token for one end user. It may be asked for again: tokens are not stored."""
    body: dict[str, Any] = {"subject": subject}
    if scopes is not None:
        body["scopes"] = scopes
    if expires_in_s is not None:
        body["expires_in_s"] = expires_in_s
    return Call("POST", path_of("tokens"), model(MintedToken), body)


def audit(subject: str | None, limit: int | None, cursor: str | None) -> Call[AuditPage]:
    """One page of the audit log."""
    path = with_query(path_of("audit"), subject=subject, limit=limit, cursor=cursor)
    return Call("GET", path, model(AuditPage))


def revoke_tokens(subject: str) -> Call[TokenRevocation]:
    """Makes every token of a user so far worth nothing."""
    return Call("POST", path_of("owners", subject, "revoke-tokens"), model(TokenRevocation))


def erase_owner(subject: str) -> Call[OwnerErasure]:
    """Erases a part of what a user has."""
    return Call("DELETE", path_of("owners", subject), model(OwnerErasure), timeout_s=60.0)
