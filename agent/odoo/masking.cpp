#include "agent/odoo/masking.hpp"

#include "agent/odoo/odoo.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::odoo {
namespace {

// Rows of (relation, attribute, value). Where something stands in a column of text it becomes the
// value, an expression over the row; NULL empties columns of any type that may be empty. Modules
// and versions differ: what a database does not have is passed over.

constexpr std::string_view contacts = R"sql(
        ('res_partner', 'name', $v$'Contact ' || id$v$),
        ('res_partner', 'display_name', $v$'Contact ' || id$v$),
        ('res_partner', 'complete_name', $v$'Contact ' || id$v$),
        ('res_partner', 'commercial_company_name', $v$'Contact ' || id$v$),
        ('res_partner', 'company_name', $v$'Contact ' || id$v$),
        ('res_partner', 'email', $v$'contact-' || id || '@example.invalid'$v$),
        ('res_partner', 'email_normalized', $v$'contact-' || id || '@example.invalid'$v$),
        ('res_partner', 'phone', $v$'000' || id$v$),
        ('res_partner', 'mobile', $v$'000' || id$v$),
        ('res_partner', 'phone_sanitized', $v$'000' || id$v$),
        ('res_partner', 'phone_mobile_search', $v$'000' || id$v$),
        ('res_partner', 'street', 'NULL'), ('res_partner', 'street2', 'NULL'),
        ('res_partner', 'street_name', 'NULL'), ('res_partner', 'street_number', 'NULL'),
        ('res_partner', 'street_number2', 'NULL'), ('res_partner', 'zip', 'NULL'),
        ('res_partner', 'city', 'NULL'), ('res_partner', 'vat', 'NULL'),
        ('res_partner', 'company_registry', 'NULL'), ('res_partner', 'comment', 'NULL'),
        ('res_partner', 'website', 'NULL'), ('res_partner', 'function', 'NULL'),
        ('res_partner', 'additional_info', 'NULL'), ('res_partner', 'signup_token', 'NULL'),
        ('res_partner', 'partner_latitude', 'NULL'), ('res_partner', 'partner_longitude', 'NULL'),
        ('res_partner', 'contact_address_complete', 'NULL'),
        ('res_partner_bank', 'acc_number', $v$'0000' || id$v$),
        ('res_partner_bank', 'sanitized_acc_number', $v$'0000' || id$v$),
        ('res_partner_bank', 'acc_holder_name', $v$'Contact ' || id$v$),
        ('res_users', 'login', $v$'user-' || id || '@example.invalid'$v$),
        ('res_users', 'password', 'NULL'), ('res_users', 'signature', 'NULL'),
        ('crm_lead', 'name', $v$'Lead ' || id$v$),
        ('crm_lead', 'partner_name', $v$'Contact ' || id$v$),
        ('crm_lead', 'contact_name', $v$'Contact ' || id$v$),
        ('crm_lead', 'email_from', $v$'lead-' || id || '@example.invalid'$v$),
        ('crm_lead', 'email_normalized', $v$'lead-' || id || '@example.invalid'$v$),
        ('crm_lead', 'email_domain_criterion', 'NULL'), ('crm_lead', 'email_cc', 'NULL'),
        ('crm_lead', 'phone', $v$'000' || id$v$), ('crm_lead', 'mobile', $v$'000' || id$v$),
        ('crm_lead', 'phone_sanitized', $v$'000' || id$v$),
        ('crm_lead', 'street', 'NULL'), ('crm_lead', 'street2', 'NULL'),
        ('crm_lead', 'zip', 'NULL'), ('crm_lead', 'city', 'NULL'),
        ('crm_lead', 'website', 'NULL'), ('crm_lead', 'function', 'NULL'),
        ('crm_lead', 'description', 'NULL'),
        ('hr_applicant', 'partner_name', $v$'Applicant ' || id$v$),
        ('hr_applicant', 'name', $v$'Applicant ' || id$v$),
        ('hr_applicant', 'email_from', $v$'applicant-' || id || '@example.invalid'$v$),
        ('hr_applicant', 'email_normalized', $v$'applicant-' || id || '@example.invalid'$v$),
        ('hr_applicant', 'email_cc', 'NULL'), ('hr_applicant', 'partner_phone', $v$'000' || id$v$),
        ('hr_applicant', 'partner_mobile', $v$'000' || id$v$),
        ('hr_applicant', 'partner_phone_sanitized', $v$'000' || id$v$),
        ('hr_applicant', 'linkedin_profile', 'NULL'), ('hr_applicant', 'description', 'NULL'),
        ('hr_applicant', 'applicant_notes', 'NULL'),
        ('hr_candidate', 'partner_name', $v$'Applicant ' || id$v$),
        ('hr_candidate', 'email_from', $v$'applicant-' || id || '@example.invalid'$v$),
        ('hr_candidate', 'email_normalized', $v$'applicant-' || id || '@example.invalid'$v$),
        ('hr_candidate', 'email_cc', 'NULL'), ('hr_candidate', 'partner_phone', $v$'000' || id$v$),
        ('hr_candidate', 'partner_phone_sanitized', $v$'000' || id$v$),
        ('hr_candidate', 'linkedin_profile', 'NULL'),
        ('event_registration', 'name', $v$'Attendee ' || id$v$),
        ('event_registration', 'company_name', $v$'Attendee ' || id$v$),
        ('event_registration', 'email', $v$'attendee-' || id || '@example.invalid'$v$),
        ('event_registration', 'phone', $v$'000' || id$v$),
        ('event_registration', 'mobile', $v$'000' || id$v$),
        ('mailing_contact', 'name', $v$'Contact ' || id$v$),
        ('mailing_contact', 'first_name', $v$'Contact ' || id$v$),
        ('mailing_contact', 'last_name', $v$'Contact ' || id$v$),
        ('mailing_contact', 'company_name', $v$'Contact ' || id$v$),
        ('mailing_contact', 'email', $v$'mailing-' || id || '@example.invalid'$v$),
        ('mailing_contact', 'email_normalized', $v$'mailing-' || id || '@example.invalid'$v$),
        ('mailing_trace', 'email', $v$'mailing-' || id || '@example.invalid'$v$),
        ('mail_blacklist', 'email', $v$'blocked-' || id || '@example.invalid'$v$),
        ('phone_blacklist', 'number', $v$'000' || id$v$),
        ('mail_guest', 'name', $v$'Guest ' || id$v$),
        ('mail_guest', 'email', 'NULL'),
        ('calendar_attendee', 'common_name', $v$'Contact ' || id$v$),
        ('calendar_attendee', 'email', $v$'attendee-' || id || '@example.invalid'$v$),
        ('helpdesk_ticket', 'partner_name', $v$'Contact ' || id$v$),
        ('helpdesk_ticket', 'partner_email', $v$'ticket-' || id || '@example.invalid'$v$),
        ('helpdesk_ticket', 'partner_phone', $v$'000' || id$v$),
        ('helpdesk_ticket', 'email_cc', 'NULL'),
        ('project_task', 'email_from', $v$'task-' || id || '@example.invalid'$v$),
        ('project_task', 'email_cc', 'NULL'), ('project_task', 'partner_phone', $v$'000' || id$v$),
        ('sale_order', 'signed_by', $v$'Contact ' || id$v$),
        ('account_move', 'invoice_partner_display_name', $v$'Contact ' || id$v$),
        ('account_move', 'invoice_source_email', 'NULL'),
        ('account_bank_statement_line', 'partner_name', $v$'Contact ' || id$v$),
        ('account_bank_statement_line', 'account_number', $v$'0000' || id$v$),
        ('payment_transaction', 'partner_name', $v$'Contact ' || id$v$),
        ('payment_transaction', 'partner_email', $v$'payer-' || id || '@example.invalid'$v$),
        ('payment_transaction', 'partner_phone', $v$'000' || id$v$),
        ('payment_transaction', 'partner_address', 'NULL'),
        ('payment_transaction', 'partner_zip', 'NULL'),
        ('payment_transaction', 'partner_city', 'NULL'),
        ('pos_order', 'email', $v$'buyer-' || id || '@example.invalid'$v$),
        ('pos_order', 'mobile', $v$'000' || id$v$),
        ('survey_user_input', 'email', $v$'survey-' || id || '@example.invalid'$v$),
        ('survey_user_input', 'nickname', $v$'Guest ' || id$v$),
        ('im_livechat_channel_member', 'name', $v$'Guest ' || id$v$),
        ('discuss_channel', 'anonymous_name', $v$'Guest ' || id$v$))sql";

// Of the company's own people: what is private. Since 19 it is in hr_version.
constexpr std::string_view staff_relations[] = {"hr_employee", "hr_version"};
constexpr std::string_view staff_attributes[] = {
    "private_street",
    "private_street2",
    "private_city",
    "private_zip",
    "private_phone",
    "private_email",
    "private_car_plate",
    "identification_id",
    "passport_id",
    "passport_expiration_date",
    "ssnid",
    "sinid",
    "birthday",
    "place_of_birth",
    "emergency_contact",
    "emergency_phone",
    "permit_no",
    "visa_no",
    "spouse_complete_name",
    "spouse_birthdate",
    "study_field",
    "study_school",
    "additional_note",
    "notes",
    "legal_name"};

constexpr std::string_view messages = R"sql(
        ('mail_message', 'subject', 'NULL'), ('mail_message', 'body', 'NULL'),
        ('mail_message', 'email_from', 'NULL'), ('mail_message', 'reply_to', 'NULL'),
        ('mail_message', 'record_name', 'NULL'), ('mail_message', 'incoming_email_to', 'NULL'),
        ('mail_message', 'incoming_email_cc', 'NULL'),
        ('mail_message', 'outgoing_email_to', 'NULL'),
        ('mail_mail', 'body_html', 'NULL'), ('mail_mail', 'email_to', 'NULL'),
        ('mail_mail', 'email_cc', 'NULL'), ('mail_mail', 'headers', 'NULL'),
        ('mail_mail', 'failure_reason', 'NULL'),
        ('mail_notification', 'failure_reason', 'NULL'),
        ('mail_notification', 'mail_email_address', 'NULL'),
        ('mail_notification', 'sms_number', 'NULL'),
        ('mail_tracking_value', 'old_value_char', 'NULL'),
        ('mail_tracking_value', 'new_value_char', 'NULL'),
        ('mail_tracking_value', 'old_value_text', 'NULL'),
        ('mail_tracking_value', 'new_value_text', 'NULL'),
        ('mail_activity', 'summary', 'NULL'), ('mail_activity', 'note', 'NULL'),
        ('mail_scheduled_message', 'subject', 'NULL'), ('mail_scheduled_message', 'body', 'NULL'),
        ('rating_rating', 'feedback', 'NULL'),
        ('sms_sms', 'number', 'NULL'), ('sms_sms', 'body', $v$'-'$v$),
        ('whatsapp_message', 'mobile_number', 'NULL'),
        ('whatsapp_message', 'mobile_number_formatted', 'NULL'),
        ('whatsapp_message', 'body', 'NULL'),
        ('calendar_event', 'description', 'NULL'))sql";

// Companies and internal users go on being themselves.
constexpr std::string_view kept_partners =
    "SELECT partner_id FROM res_company WHERE partner_id IS NOT NULL UNION SELECT partner_id FROM "
    "res_users WHERE NOT coalesce(share, false) AND partner_id IS NOT NULL";

/// One UPDATE a relation, of the columns that it has.
std::string update(std::string_view rows) {
    std::string sql = R"sql(
    FOR step IN
        SELECT relation, string_agg(
            CASE WHEN value = 'NULL' THEN format('%I = NULL', attribute)
                 ELSE format('%1$I = CASE WHEN coalesce(%1$I, '''') = '''' THEN %1$I ELSE %2$s END',
                             attribute, value)
            END, ', ') AS assignments
        FROM (VALUES)sql";
    sql += rows;
    sql += R"sql(
        ) AS wanted (relation, attribute, value)
        JOIN information_schema.columns AS there
          ON there.table_schema = current_schema() AND there.table_name = relation
         AND there.column_name = attribute
        WHERE CASE WHEN value = 'NULL' THEN there.is_nullable = 'YES'
                   ELSE there.data_type IN ('character varying', 'text') END
        GROUP BY relation
    LOOP
        EXECUTE format('UPDATE %I SET %s%s', step.relation, step.assignments,
            CASE step.relation
                WHEN 'res_partner' THEN format(' WHERE id NOT IN (%s)', kept)
                WHEN 'res_partner_bank' THEN format(' WHERE partner_id NOT IN (%s)', kept)
                WHEN 'res_users' THEN ' WHERE coalesce(share, false)'
                ELSE '' END);
    END LOOP;)sql";
    return sql;
}

std::string staff() {
    std::string rows;
    for (auto relation : staff_relations)
        for (auto attribute : staff_attributes)
            rows += fmt::format(",\n        ('{}', '{}', 'NULL')", relation, attribute);
    return rows;
}

/// Where the relation is there.
std::string remove(std::string_view relation, std::string_view condition) {
    return fmt::format(
        "\n    IF to_regclass('{0}') IS NOT NULL THEN\n        DELETE FROM {0}{1};\n    END IF;",
        relation, condition
    );
}

} // namespace

std::string mask_query(const std::vector<proto::PersonalData>& wanted) {
    using proto::PersonalData;
    auto has = [&](PersonalData one) { return std::ranges::find(wanted, one) != wanted.end(); };
    auto sql =
        fmt::format("DO $do$\nDECLARE step record; kept text := $k${}$k$;\nBEGIN", kept_partners);
    // Pictures and documents before what refers to them.
    if (has(PersonalData::contacts))
        sql += remove(
            "ir_attachment", fmt::format(
                                 " WHERE res_field = 'signature' AND res_model = 'sale.order' OR "
                                 "res_model = 'res.partner' AND res_field LIKE 'image%' AND "
                                 "res_id NOT IN ({})",
                                 kept_partners
                             )
        );
    if (has(PersonalData::documents))
        sql += remove(
            "ir_attachment",
            " WHERE res_field IS NULL AND res_model IS NOT NULL AND NOT coalesce(public, false) "
            "AND res_model NOT IN ('ir.ui.view', 'ir.asset', 'ir.ui.menu', 'ir.module.module', "
            "'res.company', 'website', 'product.template', 'product.product')"
        );
    if (has(PersonalData::messages)) {
        sql += "\n    IF to_regclass('message_attachment_rel') IS NOT NULL THEN"
               "\n        DELETE FROM ir_attachment WHERE res_field IS NULL AND id IN (SELECT "
               "attachment_id FROM message_attachment_rel);\n    END IF;";
        sql += remove("bus_bus", "");
        sql += remove("ir_logging", "");
        sql += update(messages);
    }
    if (has(PersonalData::contacts)) sql += update(std::string(contacts) + staff());
    return sql + "\nEND $do$";
}

std::string attachments_query(char digit) {
    return fmt::format("{} AND store_fname LIKE '{}%'", attachments_query(), digit);
}

} // namespace fairlead::odoo
