#include "controller/app/schema.hpp"

#include "common/store/connection.hpp"
#include "controller/access/schema.hpp"
#include "controller/alerts/schema.hpp"
#include "controller/audit/schema.hpp"
#include "controller/authority/schema.hpp"
#include "controller/backups/schema.hpp"
#include "controller/certificates/schema.hpp"
#include "controller/cloudflare/schema.hpp"
#include "controller/domains/schema.hpp"
#include "controller/environments/schema.hpp"
#include "controller/fleet/schema.hpp"
#include "controller/imports/schema.hpp"
#include "controller/mail/schema.hpp"
#include "controller/metrics/schema.hpp"
#include "controller/operations/schema.hpp"
#include "controller/orgs/schema.hpp"
#include "controller/pushes/schema.hpp"
#include "controller/ssh/schema.hpp"
#include "controller/sso/schema.hpp"
#include "controller/tunnels/schema.hpp"
#include "controller/updates/schema.hpp"
#include "controller/webhooks/schema.hpp"

#include <fmt/core.h>

#include <string>
#include <vector>

namespace fairlead::app {
namespace {

constexpr std::string_view installation = R"sql(
-- One row. `epoch` grows with each restore, so that what was handed out before is told from what comes after.
CREATE TABLE installation (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    epoch          INTEGER NOT NULL,
    created_ms     BIGINT NOT NULL,
    restored_ms    BIGINT,
    sealed_tickets BLOB NOT NULL
);
)sql";

std::string_view metrics_and_alerts() {
    static const std::string both =
        std::string(metrics::first_tables) + std::string(alerts::first_tables);
    return both;
}

} // namespace

// Released steps are never edited; new ones go to the end.
std::span<const store::Migration> schema() {
    static const std::vector<store::Migration> steps{
        {1, "installation", installation},
        {2, "orgs", orgs::first_tables},
        {3, "access", access::first_tables},
        {4, "audit", audit::first_tables},
        {5, "authority", authority::first_tables},
        {6, "operations", operations::first_tables},
        {7, "fleet", fleet::first_tables},
        {8, "environments", environments::first_tables},
        {9, "idempotency", access::idempotency_table},
        {10, "found environments", environments::found_details},
        {11, "roles and settings", orgs::roles_and_settings},
        {12, "proofs", access::proofs},
        {13, "mail", mail::first_tables},
        {14, "second factors", access::second_factor_tables},
        {15, "keys and rates", access::keys_and_rates},
        {16, "connect and support", access::connect_and_support},
        {17, "invitations", orgs::invitations},
        {18, "operation projects", operations::operation_projects},
        {19, "single sign-on", sso::first_tables},
        {20, "passkeys", access::passkey_table},
        {21, "operation origins", operations::operation_origins},
        {22, "backups of environments", environments::backup_columns},
        {23, "backups", backups::first_tables},
        {24, "invitation letters", orgs::invitation_letters},
        {25, "age of logs", operations::age_of_logs},
        {26, "imports", imports::first_tables},
        {27, "copies", backups::copy_tables},
        {28, "pushes", pushes::first_tables},
        {29, "webhooks", webhooks::first_tables},
        {30, "exposure of environments", environments::exposure_column},
        {31, "domains", domains::first_tables},
        {32, "certificates", certificates::first_tables},
        {33, "tunnel keys", tunnels::first_tables},
        {34, "counted looks at domains", domains::counted_looks},
        {35, "certificates that are asked for", certificates::asked_column},
        {36, "custom hostnames", cloudflare::first_tables},
        {37, "connectors", environments::connectors},
        {38, "terminal users", fleet::terminal_users_column},
        {39, "SSH keys", ssh::first_tables},
        {40, "captured mail", environments::mail_columns},
        {41, "sealed results", operations::sealed_results},
        {42, "roll-outs of the agent", updates::first_tables},
        {43, "metrics and alerts", metrics_and_alerts()},
        {44, "acts that last", audit::lasting_table},
        {45, "signed horizons", audit::signed_horizons},
    };
    return steps;
}

Result<> expect_schema(store::Connection& db) {
    auto version = store::schema_version(db);
    if (version == static_cast<int>(schema().size())) return {};
    return fail(
        Errc::conflict,
        fmt::format(
            "The database has schema {} and this program is for {}. Start the controller once, so "
            "that it migrates, and stop it again.",
            version, schema().size()
        )
    );
}

} // namespace fairlead::app
