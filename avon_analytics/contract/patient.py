"""Patients and caregivers: Avon sends both as ``"object": "patient"``."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from avon_analytics.contract.model import AsList, AvonObject
from avon_analytics.contract.shared import Address, CustomValue, PersonRef, StatusChange
from avon_analytics.contract.values import (
    BirthDate,
    Flag,
    FreeText,
    Identifier,
    Instant,
    MedicalCenterId,
    PrivateJson,
    SexText,
    Text,
    UserId,
)


class Patient(AvonObject):
    """A patient, or with ``caregiver_only`` a person who only cares for one."""

    object_type: ClassVar[str] = "patient"
    table: ClassVar[str] = "patients"

    id: UserId
    mrn: Identifier = Field(None, description="Medical record number")
    first_name: Identifier = Field(None, description="First name")
    middle_name: Identifier = Field(None, description="Middle name")
    last_name: Identifier = Field(None, description="Last name")
    preferred_name: Identifier = Field(None, description="What the person wants to be called")
    pronouns: Text = Field(None, description="Pronouns")
    gender: Text = Field(None, description="Gender")
    sex: SexText = Field(
        None, description="SNOMED CT: 248153007 male, 248152002 female, 261665006 unknown"
    )
    sexual_orientation: Text = Field(None, description="Sexual orientation")
    preferred_language: Text = Field(None, description="Preferred language")
    date_of_birth: BirthDate = Field(None, description="Date of birth")
    ssn: Identifier = Field(None, description="Social security number")
    email: Identifier = Field(None, description="E-mail address")
    phone: Identifier = Field(None, description="Telephone number")
    alternate_phone: Identifier = Field(None, description="Second telephone number")
    note: FreeText = Field(None, description="Note about the person")
    caregiver: UserId = Field(None, description="The person's caregiver")
    caregiver_only: Flag = Field(None, description="Whether the person is no patient themself")
    timezone: Text = Field(None, description="IANA time zone of the person")
    copay: PrivateJson = Field(None, description="Copayment, as JSON")
    emergency_contacts: PrivateJson = Field(None, description="Whom to call, as JSON")
    guarantors: PrivateJson = Field(None, description="Who pays, as JSON")
    external_accounts: PrivateJson = Field(None, description="Ids in other systems, as JSON")
    has_no_known_allergies: Flag = Field(None, description="Whether no allergies are known")
    account: Text = Field(None, description="The Avon account")
    created_by: UserId = Field(None, description="Who created the record")
    created_at: Instant = Field(None, description="When the record was created")
    last_updated_at: Instant = Field(None, description="When the record last changed")

    medical_centers: Annotated[list[MedicalCenterId], AsList] = Field(
        [], description="Medical centers of the person"
    )
    addresses: Annotated[list[Address], AsList] = Field([], description="Postal addresses")
    status_history: Annotated[list[StatusChange], AsList] = Field(
        [], description="Every status so far, as this version reports it"
    )
    custom_data: Annotated[list[CustomValue], AsList] = Field([], description="Custom fields")
    race: Annotated[list[Text], AsList] = Field([], description="Race")
    ethnicity: Annotated[list[Text], AsList] = Field([], description="Ethnicity")
    care_team_members: Annotated[list[PersonRef], AsList] = Field(
        [], description="Members of the care team"
    )
    peer_groups: Annotated[list[FreeText], AsList] = Field([], description="Peer groups")
    caregivers: Annotated[list[PersonRef], AsList] = Field(
        [], description="Caregivers of the patient"
    )
    dependents: Annotated[list[PersonRef], AsList] = Field(
        [], description="Whom a caregiver cares for"
    )
