#include "controller/certificates/account_repo.hpp"

#include "common/crypto/p256.hpp"

namespace fairlead::certificates {

std::string account_context(const std::string& directory) {
    return "acme_account/" + directory;
}

Result<std::optional<AccountRow>> AccountRepo::find(const std::string& directory) {
    return db_.one<AccountRow>(
        "SELECT directory, contact, sealed_key, registered_ms, failures, paused_until_ms, "
        "error_code, error_message FROM acme_account WHERE directory = $1",
        directory
    );
}

Result<AccountRow> AccountRepo::open(const std::string& directory, const crypto::Keystore& keys) {
    FAIRLEAD_TRY(found, find(directory));
    if (found) return *std::move(found);
    AccountRow row;
    row.directory = directory;
    auto key = crypto::P256Key::generate().to_pem();
    row.sealed_key = store::Blob{keys.seal(key, account_context(directory))};
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO acme_account (directory, contact, sealed_key) VALUES ($1, '', $2)", directory,
        row.sealed_key
    ));
    return row;
}

Result<> AccountRepo::update(const AccountRow& row) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE acme_account SET contact = $2, registered_ms = $3, failures = $4, paused_until_ms "
        "= $5, error_code = $6, error_message = $7 WHERE directory = $1",
        row.directory, row.contact, row.registered_ms, row.failures, row.paused_until_ms,
        row.error_code, row.error_message
    ));
    return {};
}

} // namespace fairlead::certificates
