"""Tables of accounts and signing in: links by e-mail, one-time codes, second steps, single sign-on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from duilian.infra.database import Base, Tenanted
from duilian.infra.fields import sealed_text


class OfMember:
    """Mixin: the row goes when its member goes."""

    member_id: Mapped[UUID] = mapped_column(index=True)

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[object, ...]:
        return (
            ForeignKeyConstraint(
                ["tenant_id", "member_id"], ["members.tenant_id", "members.id"], ondelete="CASCADE"
            ),
        )


class SignInPolicy(Tenanted, Base):
    """How a tenant's people sign in; none is the default. One a tenant."""

    __tablename__ = "sign_in_policies"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    code_required: Mapped[bool]  # a one-time code, for everybody who signs in with a password


class OneTimeCode(OfMember, Tenanted, Base):
    """A member's authenticator. last_step: of the clock, the last that was used; it never serves again."""

    __tablename__ = "one_time_codes"

    secret_sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger)

    secret = sealed_text()


class RecoveryCode(OfMember, Tenanted, Base):
    """Stands in for the authenticator once."""

    __tablename__ = "recovery_codes"

    code_hash: Mapped[str]
    used_at: Mapped[datetime | None]


class AccountLink(OfMember, Tenanted, Base):
    """A link that was mailed: "reset" or "welcome". Used once; only the hash of its secret is kept."""

    __tablename__ = "account_links"

    purpose: Mapped[str]
    secret_hash: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInStep(OfMember, Tenanted, Base):
    """Half a sign-in: the password was right, the code is still asked for."""

    __tablename__ = "sign_in_steps"

    secret_hash: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int]


class IdentityProvider(Tenanted, Base):
    """A tenant's OpenID provider. One a tenant. default_role: of those who are taken in; "" takes nobody in."""

    __tablename__ = "identity_providers"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    name: Mapped[str]  # on the button
    issuer: Mapped[str]
    client_id: Mapped[str]
    client_secret_sealed: Mapped[bytes]
    default_role: Mapped[str]
    enabled: Mapped[bool]
    changed_at: Mapped[datetime]

    client_secret = sealed_text()


class ProviderVisit(Tenanted, Base):
    """Somebody was sent to the provider and has not come back. State, nonce and verifier derive from the secret."""

    __tablename__ = "provider_visits"

    secret_hash: Mapped[str] = mapped_column(index=True)
    expires_at: Mapped[datetime]


class MemberIdentity(Tenanted, Base):
    """Who a member is at a provider. subject_hash: of issuer and subject."""

    __tablename__ = "member_identities"
    __table_args__ = (
        UniqueConstraint("tenant_id", "subject_hash"),
        Index("ix_member_identities_member_id", "member_id"),
        ForeignKeyConstraint(
            ["tenant_id", "member_id"], ["members.tenant_id", "members.id"], ondelete="CASCADE"
        ),
    )

    member_id: Mapped[UUID]
    subject_hash: Mapped[str]
    linked_at: Mapped[datetime]
