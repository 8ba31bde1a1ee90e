"""What services ask."""

from __future__ import annotations

from collections.abc import Iterator

from .._call import Call
from .._calls import services
from .._flows import erase_owner, items
from ..models import AuditEntry, AuditPage, Health, Limits, MintedToken, OwnerErasure, TokenRevocation
from .connection import Connection


class ServiceMethods(Connection):
    """Health and limits, and what only a service with a key may do."""

    def get_health(self) -> Health:
        """Whether the API can work; its ``status`` says if it is not configured."""
        return self._call(services.health())

    def get_limits(self) -> Limits:
        """The caller's limits, and what of them is used."""
        return self._call(services.limits())

    def create_token(
        self, subject: str, *, scopes: list[str] | None = None, expires_in_s: int | None = None
    ) -> MintedToken:
        """A token for one end user.

        Args:
            scopes: ``read``, ``write`` or both; both unless it is given.
            expires_in_s: 60 to 86400 seconds; an hour unless it is given.
        """
        return self._call(services.mint_token(subject, scopes, expires_in_s))

    def list_audit(self, *, subject: str | None = None, page_size: int | None = None) -> Iterator[AuditEntry]:
        """Who changed what, newest first; of one user if ``subject`` is given."""

        def page(cursor: str | None) -> Call[AuditPage]:
            return services.audit(subject, page_size, cursor)

        return self._stream(items(page, lambda answer: answer.entries, self._retry))

    def revoke_tokens(self, subject: str) -> TokenRevocation:
        """No token that this user has is accepted any more, everywhere within a minute."""
        return self._call(services.revoke_tokens(subject))

    def erase_owner(self, subject: str) -> OwnerErasure:
        """Erases a user's jobs, files, projects and clips, with as many requests as it takes."""
        return self._run(erase_owner(subject, self._retry))
