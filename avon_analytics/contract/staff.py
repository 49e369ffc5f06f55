"""People who work for the care organisation: providers and support staff."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from avon_analytics.contract.model import AsList, AvonObject
from avon_analytics.contract.shared import Address, CustomValue, StatusChange
from avon_analytics.contract.values import (
    BirthDate,
    FreeText,
    Instant,
    MedicalCenterId,
    StaffText,
    Text,
    UserId,
)


class Staff(AvonObject):
    """What providers and support staff have in common."""

    id: UserId
    first_name: StaffText = Field(None, description="First name")
    middle_name: StaffText = Field(None, description="Middle name")
    last_name: StaffText = Field(None, description="Last name")
    gender: Text = Field(None, description="Gender")
    pronouns: Text = Field(None, description="Pronouns")
    admin: Text = Field(None, description="Rights: globalAdmin, global_admin, …")
    email: StaffText = Field(None, description="E-mail address at work")
    phone: StaffText = Field(None, description="Telephone number at work")
    date_of_birth: BirthDate = Field(None, description="Date of birth")
    timezone: Text = Field(None, description="IANA time zone of the person")
    status: Text = Field(None, description="active, suspended or archived, in old deliveries")
    account: Text = Field(None, description="The Avon account")
    created_by: UserId = Field(None, description="Who created the record")
    created_at: Instant = Field(None, description="When the record was created")
    last_updated_at: Instant = Field(None, description="When the record last changed")

    medical_centers: Annotated[list[MedicalCenterId], AsList] = Field(
        [], description="Medical centers where the person works"
    )
    addresses: Annotated[list[Address], AsList] = Field([], description="Postal addresses")
    status_history: Annotated[list[StatusChange], AsList] = Field(
        [], description="Every status so far, as this version reports it"
    )
    custom_data: Annotated[list[CustomValue], AsList] = Field([], description="Custom fields")


class Provider(Staff):
    """A clinician who sees patients."""

    object_type: ClassVar[str] = "provider"
    table: ClassVar[str] = "providers"

    specialization: StaffText = Field(None, description="Specialization")
    bio: FreeText = Field(None, description="What the clinic publishes about the provider")
    npi: StaffText = Field(None, description="National Provider Identifier")
    dea_number: StaffText = Field(None, description="Registration for controlled substances")
    license_type: StaffText = Field(None, description="Kind of licence")

    licensed_in: Annotated[list[Text], AsList] = Field([], description="States with a licence")


class Support(Staff):
    """A member of staff who does not see patients."""

    object_type: ClassVar[str] = "support"
    table: ClassVar[str] = "supports"
