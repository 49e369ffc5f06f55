-- The tables and views of a store of version 1, as that version made them.
CREATE TABLE settings (name VARCHAR PRIMARY KEY, value VARCHAR);
CREATE TABLE "events" ("event_id" VARCHAR, "event" VARCHAR, "event_sent" VARCHAR, "object_type" VARCHAR, "object_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "occurred_at_source" VARCHAR, "received_at" TIMESTAMP WITH TIME ZONE, "signature" VARCHAR, "secret" VARCHAR, "file" VARCHAR, "line" BIGINT, "byte_offset" BIGINT, "byte_length" BIGINT, "n_deliveries" BIGINT, "body_digest" UUID, "extra" JSON);
CREATE TABLE "other_objects" ("event_id" VARCHAR, "event" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "object_type" VARCHAR, "object_id" VARCHAR, "object" JSON);
CREATE TABLE "deliveries" ("load_id" BIGINT, "file" VARCHAR, "line" BIGINT, "byte_offset" BIGINT, "byte_length" BIGINT, "form" VARCHAR, "ended" VARCHAR, "code" VARCHAR, "event_id" VARCHAR, "signature" VARCHAR, "secret" VARCHAR, "received_at" TIMESTAMP WITH TIME ZONE);
CREATE TABLE "archive_files" ("file" VARCHAR, "load_id" BIGINT, "size" BIGINT, "modified_ns" BIGINT, "bytes_read" BIGINT, "last_line" BIGINT, "sha256" VARCHAR, "lines" BIGINT, "blank" BIGINT, "loaded" BIGINT, "duplicate" BIGINT, "quarantined" BIGINT);
CREATE TABLE "loads" ("load_id" BIGINT, "loaded_at" TIMESTAMP WITH TIME ZONE, "version" VARCHAR, "policy" VARCHAR, "secrets" VARCHAR, "files" BIGINT, "files_unchanged" BIGINT, "files_passed_over" BIGINT, "lines" BIGINT, "blank" BIGINT, "loaded" BIGINT, "duplicate" BIGINT, "quarantined" BIGINT);
CREATE TABLE "quarantine" ("load_id" BIGINT, "file" VARCHAR, "line" BIGINT, "byte_offset" BIGINT, "byte_length" BIGINT, "sha256" VARCHAR, "code" VARCHAR, "errors" JSON, "cause" VARCHAR, "content" BLOB);
CREATE TABLE "people_versions" ("event_id" VARCHAR, "event" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "received_at" TIMESTAMP WITH TIME ZONE, "id" VARCHAR, "mrn" VARCHAR, "first_name" VARCHAR, "middle_name" VARCHAR, "last_name" VARCHAR, "preferred_name" VARCHAR, "pronouns" VARCHAR, "gender" VARCHAR, "sex" VARCHAR, "sexual_orientation" VARCHAR, "preferred_language" VARCHAR, "date_of_birth" DATE, "ssn" VARCHAR, "email" VARCHAR, "phone" VARCHAR, "alternate_phone" VARCHAR, "note" VARCHAR, "caregiver" VARCHAR, "caregiver_only" BOOLEAN, "timezone" VARCHAR, "copay" JSON, "emergency_contacts" JSON, "guarantors" JSON, "external_accounts" JSON, "has_no_known_allergies" BOOLEAN, "account" VARCHAR, "created_by" VARCHAR, "created_at" TIMESTAMP WITH TIME ZONE, "last_updated_at" TIMESTAMP WITH TIME ZONE, "extra" JSON);
CREATE TABLE "patient_medical_centers_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "patient_id" VARCHAR, "position" INTEGER, "medical_center" VARCHAR);
CREATE TABLE "patient_addresses_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "patient_id" VARCHAR, "position" INTEGER, "nickname" VARCHAR, "line1" VARCHAR, "line2" VARCHAR, "city" VARCHAR, "state" VARCHAR, "postal_code" VARCHAR, "country" VARCHAR, "special_instructions" VARCHAR, "id" VARCHAR, "parent" VARCHAR, "parent_type" VARCHAR, "account" VARCHAR, "extra" JSON);
CREATE TABLE "patient_status_history_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "patient_id" VARCHAR, "position" INTEGER, "status" VARCHAR, "changed_by" VARCHAR, "changed_at" TIMESTAMP WITH TIME ZONE, "id" VARCHAR, "parent" VARCHAR, "parent_type" VARCHAR, "reason" VARCHAR, "extra" JSON);
CREATE TABLE "patient_custom_data_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "patient_id" VARCHAR, "position" INTEGER, "key" VARCHAR, "value" JSON, "extra" JSON);
CREATE TABLE "patient_race_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "patient_id" VARCHAR, "position" INTEGER, "race" VARCHAR);
CREATE TABLE "patient_ethnicity_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "patient_id" VARCHAR, "position" INTEGER, "ethnicity" VARCHAR);
CREATE TABLE "patient_care_team_members_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "patient_id" VARCHAR, "position" INTEGER, "id" VARCHAR, "extra" JSON);
CREATE TABLE "patient_peer_groups_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "patient_id" VARCHAR, "position" INTEGER, "peer_group" VARCHAR);
CREATE TABLE "patient_caregivers_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "patient_id" VARCHAR, "position" INTEGER, "id" VARCHAR, "extra" JSON);
CREATE TABLE "patient_dependents_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "patient_id" VARCHAR, "position" INTEGER, "id" VARCHAR, "extra" JSON);
CREATE TABLE "appointments_versions" ("event_id" VARCHAR, "event" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "received_at" TIMESTAMP WITH TIME ZONE, "id" VARCHAR, "name" VARCHAR, "description" VARCHAR, "appointment_type" VARCHAR, "interaction_type" VARCHAR, "type" VARCHAR, "group" BOOLEAN, "internal" BOOLEAN, "recurring" BOOLEAN, "start_time" TIMESTAMP WITH TIME ZONE, "end_time" TIMESTAMP WITH TIME ZONE, "actual_start_time" TIMESTAMP WITH TIME ZONE, "actual_end_time" TIMESTAMP WITH TIME ZONE, "timezone" VARCHAR, "host" VARCHAR, "patient" VARCHAR, "generated_from_type" VARCHAR, "generated_from" VARCHAR, "recurrenceId" VARCHAR, "location_line1" VARCHAR, "location_line2" VARCHAR, "location_city" VARCHAR, "location_state" VARCHAR, "location_postal_code" VARCHAR, "video_call_join_url" VARCHAR, "video_call_meeting_id" VARCHAR, "visit_note" VARCHAR, "external_id" VARCHAR, "service_facility" VARCHAR, "account" VARCHAR, "created_by" VARCHAR, "created_at" TIMESTAMP WITH TIME ZONE, "last_updated_at" TIMESTAMP WITH TIME ZONE, "extra" JSON);
CREATE TABLE "appointment_attendees_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "appointment_id" VARCHAR, "position" INTEGER, "id" VARCHAR, "attendee" VARCHAR, "appointment" VARCHAR, "attendance_status" VARCHAR, "no_show" BOOLEAN, "payment_status" VARCHAR, "is_observer" BOOLEAN, "actual_start_time" TIMESTAMP WITH TIME ZONE, "actual_end_time" TIMESTAMP WITH TIME ZONE, "appointment_occurrence" VARCHAR, "last_updated_at" TIMESTAMP WITH TIME ZONE, "account" VARCHAR, "extra" JSON);
CREATE TABLE "appointment_reference_patients_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "appointment_id" VARCHAR, "position" INTEGER, "reference_patient" VARCHAR);
CREATE TABLE "appointment_status_history_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "appointment_id" VARCHAR, "position" INTEGER, "status" VARCHAR, "changed_by" VARCHAR, "changed_at" TIMESTAMP WITH TIME ZONE, "id" VARCHAR, "parent" VARCHAR, "parent_type" VARCHAR, "reason" VARCHAR, "extra" JSON);
CREATE TABLE "appointment_recurrence_rules_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "appointment_id" VARCHAR, "position" INTEGER, "id" VARCHAR, "type" VARCHAR, "frequency" VARCHAR, "interval" VARCHAR, "by_day" JSON, "iterations" VARCHAR, "ends" VARCHAR, "until" VARCHAR, "start_time" VARCHAR, "duration" VARCHAR, "appointment" VARCHAR, "rule_context" VARCHAR, "extra" JSON);
CREATE TABLE "appointment_custom_data_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "appointment_id" VARCHAR, "position" INTEGER, "key" VARCHAR, "value" JSON, "extra" JSON);
CREATE TABLE "messages_versions" ("event_id" VARCHAR, "event" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "received_at" TIMESTAMP WITH TIME ZONE, "id" VARCHAR, "type" VARCHAR, "mode" VARCHAR, "thread" VARCHAR, "message_thread" VARCHAR, "text" VARCHAR, "filename" VARCHAR, "pagee" VARCHAR, "memo" VARCHAR, "resolved" BOOLEAN, "resolved_at" TIMESTAMP WITH TIME ZONE, "account" VARCHAR, "created_by" VARCHAR, "created_at" TIMESTAMP WITH TIME ZONE, "last_updated_at" TIMESTAMP WITH TIME ZONE, "extra" JSON);
CREATE TABLE "providers_versions" ("event_id" VARCHAR, "event" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "received_at" TIMESTAMP WITH TIME ZONE, "id" VARCHAR, "first_name" VARCHAR, "middle_name" VARCHAR, "last_name" VARCHAR, "gender" VARCHAR, "pronouns" VARCHAR, "admin" VARCHAR, "email" VARCHAR, "phone" VARCHAR, "date_of_birth" DATE, "timezone" VARCHAR, "status" VARCHAR, "account" VARCHAR, "created_by" VARCHAR, "created_at" TIMESTAMP WITH TIME ZONE, "last_updated_at" TIMESTAMP WITH TIME ZONE, "specialization" VARCHAR, "bio" VARCHAR, "npi" VARCHAR, "dea_number" VARCHAR, "license_type" VARCHAR, "extra" JSON);
CREATE TABLE "provider_medical_centers_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "provider_id" VARCHAR, "position" INTEGER, "medical_center" VARCHAR);
CREATE TABLE "provider_addresses_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "provider_id" VARCHAR, "position" INTEGER, "nickname" VARCHAR, "line1" VARCHAR, "line2" VARCHAR, "city" VARCHAR, "state" VARCHAR, "postal_code" VARCHAR, "country" VARCHAR, "special_instructions" VARCHAR, "id" VARCHAR, "parent" VARCHAR, "parent_type" VARCHAR, "account" VARCHAR, "extra" JSON);
CREATE TABLE "provider_status_history_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "provider_id" VARCHAR, "position" INTEGER, "status" VARCHAR, "changed_by" VARCHAR, "changed_at" TIMESTAMP WITH TIME ZONE, "id" VARCHAR, "parent" VARCHAR, "parent_type" VARCHAR, "reason" VARCHAR, "extra" JSON);
CREATE TABLE "provider_custom_data_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "provider_id" VARCHAR, "position" INTEGER, "key" VARCHAR, "value" JSON, "extra" JSON);
CREATE TABLE "provider_licensed_in_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "provider_id" VARCHAR, "position" INTEGER, "state" VARCHAR);
CREATE TABLE "supports_versions" ("event_id" VARCHAR, "event" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "received_at" TIMESTAMP WITH TIME ZONE, "id" VARCHAR, "first_name" VARCHAR, "middle_name" VARCHAR, "last_name" VARCHAR, "gender" VARCHAR, "pronouns" VARCHAR, "admin" VARCHAR, "email" VARCHAR, "phone" VARCHAR, "date_of_birth" DATE, "timezone" VARCHAR, "status" VARCHAR, "account" VARCHAR, "created_by" VARCHAR, "created_at" TIMESTAMP WITH TIME ZONE, "last_updated_at" TIMESTAMP WITH TIME ZONE, "extra" JSON);
CREATE TABLE "support_medical_centers_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "support_id" VARCHAR, "position" INTEGER, "medical_center" VARCHAR);
CREATE TABLE "support_addresses_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "support_id" VARCHAR, "position" INTEGER, "nickname" VARCHAR, "line1" VARCHAR, "line2" VARCHAR, "city" VARCHAR, "state" VARCHAR, "postal_code" VARCHAR, "country" VARCHAR, "special_instructions" VARCHAR, "id" VARCHAR, "parent" VARCHAR, "parent_type" VARCHAR, "account" VARCHAR, "extra" JSON);
CREATE TABLE "support_status_history_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "support_id" VARCHAR, "position" INTEGER, "status" VARCHAR, "changed_by" VARCHAR, "changed_at" TIMESTAMP WITH TIME ZONE, "id" VARCHAR, "parent" VARCHAR, "parent_type" VARCHAR, "reason" VARCHAR, "extra" JSON);
CREATE TABLE "support_custom_data_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "support_id" VARCHAR, "position" INTEGER, "key" VARCHAR, "value" JSON, "extra" JSON);
CREATE TABLE "care_teams_versions" ("event_id" VARCHAR, "event" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "received_at" TIMESTAMP WITH TIME ZONE, "id" VARCHAR, "patient" VARCHAR, "account" VARCHAR, "created_by" VARCHAR, "created_at" TIMESTAMP WITH TIME ZONE, "last_updated_at" TIMESTAMP WITH TIME ZONE, "extra" JSON);
CREATE TABLE "care_team_members_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "care_team_id" VARCHAR, "position" INTEGER, "id" VARCHAR, "extra" JSON);
CREATE TABLE "documents_versions" ("event_id" VARCHAR, "event" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "received_at" TIMESTAMP WITH TIME ZONE, "id" VARCHAR, "type" VARCHAR, "patient" VARCHAR, "name" VARCHAR, "filename" VARCHAR, "score" DOUBLE, "share_with_patient" BOOLEAN, "file" VARCHAR, "sections" JSON, "account" VARCHAR, "created_by" VARCHAR, "created_at" TIMESTAMP WITH TIME ZONE, "last_updated_at" TIMESTAMP WITH TIME ZONE, "extra" JSON);
CREATE TABLE "document_tags_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "document_id" VARCHAR, "position" INTEGER, "tag" VARCHAR);
CREATE TABLE "document_reviews_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "document_id" VARCHAR, "position" INTEGER, "review" JSON);
CREATE TABLE "document_signers_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "document_id" VARCHAR, "position" INTEGER, "signer" JSON);
CREATE TABLE "document_status_history_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "document_id" VARCHAR, "position" INTEGER, "status" VARCHAR, "changed_by" VARCHAR, "changed_at" TIMESTAMP WITH TIME ZONE, "id" VARCHAR, "parent" VARCHAR, "parent_type" VARCHAR, "reason" VARCHAR, "extra" JSON);
CREATE TABLE "tasks_versions" ("event_id" VARCHAR, "event" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "received_at" TIMESTAMP WITH TIME ZONE, "id" VARCHAR, "name" VARCHAR, "description" VARCHAR, "patient" VARCHAR, "assigned_to" VARCHAR, "priority" VARCHAR, "due_date" VARCHAR, "parent" VARCHAR, "link_to_object" VARCHAR, "link_to_id" VARCHAR, "link_to_name" VARCHAR, "account" VARCHAR, "created_by" VARCHAR, "created_at" TIMESTAMP WITH TIME ZONE, "last_updated_at" TIMESTAMP WITH TIME ZONE, "extra" JSON);
CREATE TABLE "task_tags_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "task_id" VARCHAR, "position" INTEGER, "tag" VARCHAR);
CREATE TABLE "task_status_history_versions" ("event_id" VARCHAR, "occurred_at" TIMESTAMP WITH TIME ZONE, "task_id" VARCHAR, "position" INTEGER, "status" VARCHAR, "changed_by" VARCHAR, "changed_at" TIMESTAMP WITH TIME ZONE, "id" VARCHAR, "parent" VARCHAR, "parent_type" VARCHAR, "reason" VARCHAR, "extra" JSON);
CREATE VIEW "patients" AS
WITH newest AS (
    SELECT *,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "people_versions"
)
SELECT "id", "mrn", "first_name", "middle_name", "last_name", "preferred_name", "pronouns", "gender", "sex", "sexual_orientation", "preferred_language", "date_of_birth", "ssn", "email", "phone", "alternate_phone", "note", "caregiver", "caregiver_only", "timezone", "copay", "emergency_contacts", "guarantors", "external_accounts", "has_no_known_allergies", "account", "created_by", "created_at", "last_updated_at", extra, event_id, event, occurred_at
FROM newest
WHERE nth = 1 AND NOT coalesce(caregiver_only, false);
CREATE VIEW patients_versions AS SELECT * FROM people_versions WHERE NOT coalesce(caregiver_only, false);
CREATE VIEW "caregivers" AS
WITH newest AS (
    SELECT *,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "people_versions"
)
SELECT "id", "mrn", "first_name", "middle_name", "last_name", "preferred_name", "pronouns", "gender", "sex", "sexual_orientation", "preferred_language", "date_of_birth", "ssn", "email", "phone", "alternate_phone", "note", "caregiver", "caregiver_only", "timezone", "copay", "emergency_contacts", "guarantors", "external_accounts", "has_no_known_allergies", "account", "created_by", "created_at", "last_updated_at", extra, event_id, event, occurred_at
FROM newest
WHERE nth = 1 AND coalesce(caregiver_only, false);
CREATE VIEW caregivers_versions AS SELECT * FROM people_versions WHERE coalesce(caregiver_only, false);
CREATE VIEW "patient_medical_centers" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "people_versions"
)
SELECT "patient_id", "position", "medical_center"
FROM "patient_medical_centers_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "patient_addresses" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "people_versions"
)
SELECT "patient_id", "position", "nickname", "line1", "line2", "city", "state", "postal_code", "country", "special_instructions", "id", "parent", "parent_type", "account", "extra"
FROM "patient_addresses_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "patient_status_history" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "people_versions"
)
SELECT "patient_id", "position", "status", "changed_by", "changed_at", "id", "parent", "parent_type", "reason", "extra"
FROM "patient_status_history_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "patient_custom_data" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "people_versions"
)
SELECT "patient_id", "position", "key", "value", "extra"
FROM "patient_custom_data_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "patient_race" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "people_versions"
)
SELECT "patient_id", "position", "race"
FROM "patient_race_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "patient_ethnicity" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "people_versions"
)
SELECT "patient_id", "position", "ethnicity"
FROM "patient_ethnicity_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "patient_care_team_members" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "people_versions"
)
SELECT "patient_id", "position", "id", "extra"
FROM "patient_care_team_members_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "patient_peer_groups" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "people_versions"
)
SELECT "patient_id", "position", "peer_group"
FROM "patient_peer_groups_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "patient_caregivers" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "people_versions"
)
SELECT "patient_id", "position", "id", "extra"
FROM "patient_caregivers_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "patient_dependents" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "people_versions"
)
SELECT "patient_id", "position", "id", "extra"
FROM "patient_dependents_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "appointments" AS
WITH newest AS (
    SELECT *,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "appointments_versions"
)
SELECT "id", "name", "description", "appointment_type", "interaction_type", "type", "group", "internal", "recurring", "start_time", "end_time", "actual_start_time", "actual_end_time", "timezone", "host", "patient", "generated_from_type", "generated_from", "recurrenceId", "location_line1", "location_line2", "location_city", "location_state", "location_postal_code", "video_call_join_url", "video_call_meeting_id", "visit_note", "external_id", "service_facility", "account", "created_by", "created_at", "last_updated_at", extra, event_id, event, occurred_at
FROM newest
WHERE nth = 1 AND true;
CREATE VIEW "appointment_attendees" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "appointments_versions"
)
SELECT "appointment_id", "position", "id", "attendee", "appointment", "attendance_status", "no_show", "payment_status", "is_observer", "actual_start_time", "actual_end_time", "appointment_occurrence", "last_updated_at", "account", "extra"
FROM "appointment_attendees_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "appointment_reference_patients" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "appointments_versions"
)
SELECT "appointment_id", "position", "reference_patient"
FROM "appointment_reference_patients_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "appointment_status_history" AS
WITH changes AS (
    SELECT *, row_number() OVER (
        PARTITION BY appointment_id, status, changed_at, changed_by
        ORDER BY occurred_at DESC, event_id DESC, position DESC
    ) AS nth
    FROM "appointment_status_history_versions"
)
SELECT
    appointment_id,
    row_number() OVER (
        PARTITION BY appointment_id
        ORDER BY changed_at NULLS FIRST, position, status, changed_by
    ) - 1 AS position,
    "status", "changed_by", "changed_at", "id", "parent", "parent_type", "reason", extra
FROM changes
WHERE nth = 1;
CREATE VIEW "appointment_recurrence_rules" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "appointments_versions"
)
SELECT "appointment_id", "position", "id", "type", "frequency", "interval", "by_day", "iterations", "ends", "until", "start_time", "duration", "appointment", "rule_context", "extra"
FROM "appointment_recurrence_rules_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "appointment_custom_data" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "appointments_versions"
)
SELECT "appointment_id", "position", "key", "value", "extra"
FROM "appointment_custom_data_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "messages" AS
WITH newest AS (
    SELECT *, min(CASE WHEN event LIKE '%.deleted' THEN occurred_at END) OVER (PARTITION BY id) AS deleted_at,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "messages_versions"
)
SELECT "id", "type", "mode", "thread", "message_thread", "text", "filename", "pagee", "memo", "resolved", "resolved_at", "account", "created_by", "created_at", "last_updated_at", deleted_at, extra, event_id, event, occurred_at
FROM newest
WHERE nth = 1 AND true;
CREATE VIEW "providers" AS
WITH newest AS (
    SELECT *,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "providers_versions"
)
SELECT "id", "first_name", "middle_name", "last_name", "gender", "pronouns", "admin", "email", "phone", "date_of_birth", "timezone", "status", "account", "created_by", "created_at", "last_updated_at", "specialization", "bio", "npi", "dea_number", "license_type", extra, event_id, event, occurred_at
FROM newest
WHERE nth = 1 AND true;
CREATE VIEW "provider_medical_centers" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "providers_versions"
)
SELECT "provider_id", "position", "medical_center"
FROM "provider_medical_centers_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "provider_addresses" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "providers_versions"
)
SELECT "provider_id", "position", "nickname", "line1", "line2", "city", "state", "postal_code", "country", "special_instructions", "id", "parent", "parent_type", "account", "extra"
FROM "provider_addresses_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "provider_status_history" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "providers_versions"
)
SELECT "provider_id", "position", "status", "changed_by", "changed_at", "id", "parent", "parent_type", "reason", "extra"
FROM "provider_status_history_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "provider_custom_data" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "providers_versions"
)
SELECT "provider_id", "position", "key", "value", "extra"
FROM "provider_custom_data_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "provider_licensed_in" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "providers_versions"
)
SELECT "provider_id", "position", "state"
FROM "provider_licensed_in_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "supports" AS
WITH newest AS (
    SELECT *,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "supports_versions"
)
SELECT "id", "first_name", "middle_name", "last_name", "gender", "pronouns", "admin", "email", "phone", "date_of_birth", "timezone", "status", "account", "created_by", "created_at", "last_updated_at", extra, event_id, event, occurred_at
FROM newest
WHERE nth = 1 AND true;
CREATE VIEW "support_medical_centers" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "supports_versions"
)
SELECT "support_id", "position", "medical_center"
FROM "support_medical_centers_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "support_addresses" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "supports_versions"
)
SELECT "support_id", "position", "nickname", "line1", "line2", "city", "state", "postal_code", "country", "special_instructions", "id", "parent", "parent_type", "account", "extra"
FROM "support_addresses_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "support_status_history" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "supports_versions"
)
SELECT "support_id", "position", "status", "changed_by", "changed_at", "id", "parent", "parent_type", "reason", "extra"
FROM "support_status_history_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "support_custom_data" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "supports_versions"
)
SELECT "support_id", "position", "key", "value", "extra"
FROM "support_custom_data_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "care_teams" AS
WITH newest AS (
    SELECT *,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "care_teams_versions"
)
SELECT "id", "patient", "account", "created_by", "created_at", "last_updated_at", extra, event_id, event, occurred_at
FROM newest
WHERE nth = 1 AND true;
CREATE VIEW "care_team_members" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "care_teams_versions"
)
SELECT "care_team_id", "position", "id", "extra"
FROM "care_team_members_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "documents" AS
WITH newest AS (
    SELECT *, min(CASE WHEN event LIKE '%.deleted' THEN occurred_at END) OVER (PARTITION BY id) AS deleted_at,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "documents_versions"
)
SELECT "id", "type", "patient", "name", "filename", "score", "share_with_patient", "file", "sections", "account", "created_by", "created_at", "last_updated_at", deleted_at, extra, event_id, event, occurred_at
FROM newest
WHERE nth = 1 AND true;
CREATE VIEW "document_tags" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "documents_versions"
)
SELECT "document_id", "position", "tag"
FROM "document_tags_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "document_reviews" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "documents_versions"
)
SELECT "document_id", "position", "review"
FROM "document_reviews_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "document_signers" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "documents_versions"
)
SELECT "document_id", "position", "signer"
FROM "document_signers_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "document_status_history" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "documents_versions"
)
SELECT "document_id", "position", "status", "changed_by", "changed_at", "id", "parent", "parent_type", "reason", "extra"
FROM "document_status_history_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "tasks" AS
WITH newest AS (
    SELECT *,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "tasks_versions"
)
SELECT "id", "name", "description", "patient", "assigned_to", "priority", "due_date", "parent", "link_to_object", "link_to_id", "link_to_name", "account", "created_by", "created_at", "last_updated_at", extra, event_id, event, occurred_at
FROM newest
WHERE nth = 1 AND true;
CREATE VIEW "task_tags" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "tasks_versions"
)
SELECT "task_id", "position", "tag"
FROM "task_tags_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW "task_status_history" AS
WITH newest AS (
    SELECT event_id,
        row_number() OVER (PARTITION BY id ORDER BY occurred_at DESC NULLS LAST, last_updated_at DESC NULLS LAST, received_at DESC NULLS LAST, event_id DESC) AS nth
    FROM "tasks_versions"
)
SELECT "task_id", "position", "status", "changed_by", "changed_at", "id", "parent", "parent_type", "reason", "extra"
FROM "task_status_history_versions"
WHERE event_id IN (SELECT event_id FROM newest WHERE nth = 1);
CREATE VIEW drift AS
        WITH known_events AS (SELECT ['appointment.cancelled', 'appointment.completed', 'appointment.created', 'appointment.in_progress', 'appointment.rescheduled', 'appointment.started', 'appointment.updated', 'care_team.updated', 'document.created', 'document.deleted', 'document.updated', 'message.created', 'message.deleted', 'patient.created', 'patient.updated', 'provider.created', 'provider.updated', 'support.created', 'support.updated', 'task.updated'] AS known),
        seen AS (SELECT 'event' AS kind, event_sent AS path, NULL AS json_type, occurred_at
           FROM events WHERE event_sent NOT IN (SELECT unnest(known) FROM known_events)
UNION ALL
SELECT 'object_type', object_type, 'OBJECT', occurred_at FROM other_objects
UNION ALL
SELECT 'field', 'body.' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "events" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'patient.' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "people_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'patient.addresses[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "patient_addresses_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'patient.status_history[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "patient_status_history_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'patient.custom_data[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "patient_custom_data_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'patient.care_team_members[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "patient_care_team_members_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'patient.caregivers[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "patient_caregivers_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'patient.dependents[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "patient_dependents_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'appointment.' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "appointments_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'appointment.attendees[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "appointment_attendees_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'appointment.status_history[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "appointment_status_history_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'appointment.recurrence_rules[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "appointment_recurrence_rules_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'appointment.custom_data[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "appointment_custom_data_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'message.' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "messages_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'provider.' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "providers_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'provider.addresses[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "provider_addresses_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'provider.status_history[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "provider_status_history_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'provider.custom_data[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "provider_custom_data_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'support.' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "supports_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'support.addresses[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "support_addresses_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'support.status_history[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "support_status_history_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'support.custom_data[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "support_custom_data_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'care_team.' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "care_teams_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'care_team.members[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "care_team_members_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'document.' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "documents_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'document.status_history[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "document_status_history_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'task.' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "tasks_versions" WHERE extra IS NOT NULL)
UNION ALL
SELECT 'field', 'task.status_history[].' || field.key, coalesce(json_type(field.value), 'NULL'), occurred_at
        FROM (SELECT occurred_at, unnest(map_entries(from_json(extra, '"MAP(VARCHAR, JSON)"'))) AS field
              FROM "task_status_history_versions" WHERE extra IS NOT NULL))
        SELECT kind, path, json_type, min(occurred_at) AS first_seen_at,
            max(occurred_at) AS last_seen_at, count(*) AS n_seen
        FROM seen
        GROUP BY kind, path, json_type;
