"""Settings of the app: connections, companies and mappings, from the environment and one optional TOML file.

The names are those of design section 3.2: nested by ``__`` and case-insensitive; maps and lists in one environment
variable are JSON. ``CONNECTIONS_FILE`` names a TOML file of the same shape; the environment wins and both are merged
deeply, so that mappings live in version control and secrets in Key Vault references.

Keys of maps (item ids, tax groups, charge codes, delivery modes) are case-folded here, as F&O compares them without
case; look them up with ``value.casefold()``.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.settings_checks import (
    SettingsError,
    authority,
    bare_https_url,
    casefold_items,
    casefold_keys,
    companies_that_meet,
    existing_file,
    explain,
    five_digits,
    iana_time_zone,
    lower_keys,
    secret_text,
    standard_set,
    storage_connection_string,
    two_letter_codes,
    us_state,
    webhook,
)
from shared.settings_sources import ConnectionsFile, Environment

CaseFoldedMap = Annotated[dict[str, str], BeforeValidator(casefold_keys)]
CaseFoldedSet = Annotated[frozenset[str], BeforeValidator(casefold_items)]
CountryCode = Annotated[str, BeforeValidator(two_letter_codes)]
State = Annotated[str, BeforeValidator(us_state)]
CodeMap = Annotated[dict[str, CountryCode], BeforeValidator(casefold_keys)]
StateList = Annotated[tuple[State, ...], BeforeValidator(casefold_items)]
ZipCode = Annotated[str, AfterValidator(five_digits)]
ExemptType = Literal["wholesale", "government", "other"]
FilingFrequency = Literal["monthly", "quarterly", "semiannual", "annual"]
Secret = Annotated[SecretStr, BeforeValidator(secret_text)]
EnvironmentUrl = Annotated[str, BeforeValidator(bare_https_url)]
ServiceUrl = Annotated[str, BeforeValidator(lambda value: bare_https_url(value, path_allowed=True))]
StandardSet = Annotated[str, AfterValidator(standard_set)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class EntitySettings(_Section):
    """Another name for a standard entity set, and for its fields where a customer's extension renamed them."""

    set: str | None = None
    fields: CaseFoldedMap = Field(default_factory=dict)
    """Standard field name, case-folded, → the environment's field name."""


class DynamicsSettings(_Section):
    """One F&O environment and how to sign in to it: exactly one of secret, certificate, managed identity."""

    url: EnvironmentUrl
    tenant_id: str = Field(min_length=1)
    client_id: str = Field(min_length=1)
    certificate_path: Annotated[str, AfterValidator(existing_file)] | None = None
    managed_identity_client_id: str | None = None
    client_secret: Annotated[Secret | None, Field(validate_default=True)] = None
    authority_host: Annotated[str, BeforeValidator(authority)] = "login.microsoftonline.com"
    lookback_days: int = Field(default=7, ge=1, le=366)
    sweep_days: int = Field(default=45, ge=1, le=1000)
    half_posted_minutes: int = Field(default=30, ge=0, le=1440)
    """How long a document without lines, or that does not add up, is read again before it is held; 0: not at all."""
    entities: Annotated[dict[StandardSet, EntitySettings], BeforeValidator(casefold_keys)] = Field(default_factory=dict)
    """Standard set name, case-folded, → its profile."""

    # On a field, not on the model: it is asked even when other settings are wrong, and each mistake gets its line.
    @field_validator("client_secret")
    @classmethod
    def _one_credential(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        others = ("certificate_path", "managed_identity_client_id")
        # One that is missing here was given, and is wrong in itself.
        given = [name.upper() for name in others if info.data.get(name, "wrong") is not None]
        if secret is not None:
            given.insert(0, "CLIENT_SECRET")
        if len(given) != 1:
            raise ValueError(
                "give exactly one of CLIENT_SECRET, CERTIFICATE_PATH and MANAGED_IDENTITY_CLIENT_ID"
                f" (found {' and '.join(given) or 'none'})"
            )
        return secret


class TaxJarSettings(_Section):
    """The TaxJar API and the account to report to unless a company names its own."""

    api_url: ServiceUrl = "https://api.taxjar.com/v2"
    token: Secret | None = None
    api_version: str = "2022-01-24"
    max_calls_per_minute: int = Field(default=3000, ge=1)


class CompanyTaxJarSettings(_Section):
    """A legal entity's own TaxJar account."""

    token: Secret | None = None


class ProductTaxCodes(_Section):
    """Item, item tax group or category → TaxJar product tax code, in that precedence."""

    items: CaseFoldedMap = Field(default_factory=dict)
    tax_item_groups: CaseFoldedMap = Field(default_factory=dict)
    categories: CaseFoldedMap = Field(default_factory=dict)


class Marketplace(_Section):
    """Whose documents a marketplace facilitator remits."""

    sales_origins: CaseFoldedSet = frozenset()
    customers: CaseFoldedSet = frozenset()
    customer_groups: CaseFoldedSet = frozenset()


class CompanySettings(_Section):
    """One F&O legal entity: from when it is reported, and how its documents map to TaxJar."""

    report_from: date
    taxjar: CompanyTaxJarSettings = CompanyTaxJarSettings()
    shipping_charge_codes: CaseFoldedSet | None = None
    """``None``: ``IsShipping`` of F&O's charge table decides."""
    product_tax_codes: ProductTaxCodes = ProductTaxCodes()
    exempt_tax_groups: Annotated[dict[str, ExemptType], BeforeValidator(casefold_keys)] = Field(default_factory=dict)
    exempt_customer_groups: Annotated[dict[str, ExemptType], BeforeValidator(casefold_keys)] = Field(
        default_factory=dict
    )
    exempt_regions: Annotated[dict[str, StateList], BeforeValidator(casefold_keys)] = Field(default_factory=dict)
    """Customer account, tax group or customer group, case-folded, → states; absent means everywhere."""
    exempt_regions_from_addresses: bool = False
    """Absent from ``exempt_regions`` means the states of the customer's delivery addresses instead."""
    pickup_delivery_modes: CaseFoldedSet = frozenset()
    country_codes: CodeMap = Field(default_factory=dict)
    state_codes: CodeMap = Field(default_factory=dict)
    unlinked_credit_notes: Literal["hold", "send"] = "hold"
    original_invoice_field: str | None = None
    filing_lock_day: int = Field(default=4, ge=1, le=31)
    """In a month that has no such day, its last one."""
    filing_frequencies: Annotated[dict[State, FilingFrequency], BeforeValidator(casefold_keys)] = Field(
        default_factory=dict
    )
    """State → how often its return is filed; monthly where absent."""
    time_zone: Annotated[str, AfterValidator(iana_time_zone)] = "America/New_York"
    """What "today" is for the company."""
    payment_charge_codes: CaseFoldedSet = frozenset()
    """Charges that are payments, such as store credit: no part of the sale."""
    fee_charge_codes: CaseFoldedSet = frozenset()
    """Charges that are fees of a state, such as a retail delivery fee: no part of the sale."""
    discount_items: CaseFoldedSet = frozenset()
    """Items whose lines are reductions, whatever the sign of their quantity."""
    marketplace: Marketplace = Marketplace()
    pos_sales_origins: CaseFoldedSet = frozenset()
    """Sales origins of sales that happened in a store."""
    zip_states: Annotated[dict[ZipCode, StateList], BeforeValidator(casefold_keys)] = Field(default_factory=dict)
    """Five-digit ZIP code → the states it lies in, over the built-in table."""
    project_invoices: bool = False
    reporting: bool = True
    """Off: documents are seen and counted, and nothing is sent."""


class ConnectionSettings(_Section):
    """One F&O environment with its companies and their TaxJar account."""

    dynamics: DynamicsSettings
    companies: Annotated[dict[str, CompanySettings], BeforeValidator(lower_keys), Field(min_length=1)]
    """By company id (``dataAreaId``), lower case."""
    taxjar: Annotated[TaxJarSettings, Field(validate_default=True)] = TaxJarSettings()

    @field_validator("taxjar")
    @classmethod
    def _every_company_has_a_token(cls, taxjar: TaxJarSettings, info: ValidationInfo) -> TaxJarSettings:
        companies: dict[str, CompanySettings] = info.data.get("companies", {})
        without = [company.upper() for company, settings in companies.items() if settings.taxjar.token is None]
        if without and taxjar.token is None:
            raise ValueError(
                f"TOKEN: is required and not set (or give {', '.join(without)}"
                " a token of its own: COMPANIES__…__TAXJAR__TOKEN)"
            )
        return taxjar

    def token_of(self, company: str) -> SecretStr:
        """The TaxJar token that reports ``company`` (lower case): its own, else the connection's."""
        token = self.companies[company].taxjar.token or self.taxjar.token
        if token is None:  # pragma: no cover - refused at start
            raise LookupError(company)
        return token


class AuditSettings(_Section):
    """What the audit's days are signed with, and where the signed roots are kept."""

    container_uri: ServiceUrl | None = None
    """Blob container with an immutability policy; absent: ``audit`` in the account of a connection string."""
    key_uri: ServiceUrl | None = None
    """Key in Key Vault (EC P-256)."""
    key_file: str | None = None
    """PEM file, made where it is missing; for one machine."""
    client_id: str | None = None
    """The managed identity for both; absent: that of the storage account."""

    @field_validator("key_file")
    @classmethod
    def _one_key(cls, key_file: str | None, info: ValidationInfo) -> str | None:
        if key_file and info.data.get("key_uri"):
            raise ValueError("give KEY_URI or KEY_FILE, not both")
        return key_file


class PeopleSettings(_Section):
    """Who may sign in, and what keys and approvers may do."""

    tenant_id: str | None = None
    """The Entra tenant whose people may sign in; without it nobody can."""
    keys_may_decide: bool = True
    """Off: function keys read and run, and only signed-in people decide."""
    approver_must_differ: bool = False
    """Who tried a document again does not approve it."""


class StorageSettings(BaseModel):
    """The storage account behind queues and tables: a connection string, or service URIs with an identity."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    connection_string: SecretStr | None = None
    queue_service_uri: ServiceUrl | None = Field(default=None, validation_alias="queueserviceuri")
    table_service_uri: ServiceUrl | None = Field(default=None, validation_alias="tableserviceuri")
    client_id: str | None = Field(default=None, validation_alias="clientid")

    @model_validator(mode="before")
    @classmethod
    def _from_connection_string(cls, value: object) -> object:
        return {"connection_string": storage_connection_string(value)} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> StorageSettings:
        if not self.connection_string and not (self.queue_service_uri and self.table_service_uri):
            raise ValueError("give a connection string, or both __queueServiceUri and __tableServiceUri")
        return self


class Settings(BaseSettings):
    """Everything that is configured, validated at start."""

    model_config = SettingsConfigDict(
        env_nested_delimiter="__",
        case_sensitive=False,
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    connections: Annotated[dict[str, ConnectionSettings], BeforeValidator(lower_keys), Field(min_length=1)]
    """By connection name, lower case."""
    storage: StorageSettings = Field(validation_alias="azurewebjobsstorage")
    claim_lease_seconds: int = Field(default=120, ge=1)
    audit: AuditSettings = AuditSettings()
    people: PeopleSettings = PeopleSettings()
    notify_webhook_url: Annotated[Secret | None, AfterValidator(webhook)] = None
    """Where the daily digest goes. Whoever knows the URL can post there: it is a secret."""

    @model_validator(mode="after")
    def _companies_do_not_meet(self) -> Settings:
        meeting = companies_that_meet(
            (name, company, connection.dynamics.url, connection.taxjar.api_url, connection.token_of(company))
            for name, connection in self.connections.items()
            for company in connection.companies
        )
        if meeting:
            raise ValueError("\n".join(meeting))
        return self

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, Environment(settings_cls), ConnectionsFile(settings_cls)


def load_settings(**values: Any) -> Settings:
    """Read and validate the settings; ``values`` (in nested form) win over environment and file.

    Raises :class:`SettingsError` with one line per mistake, each starting with the setting's full name.
    """
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(explain(error)) from None
