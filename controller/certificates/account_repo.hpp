/// What the authority knows us by, and whether it may be asked just now. One row for each
/// directory.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/store/connection.hpp"
#include "controller/api/sealed.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>

namespace fairlead::certificates {

struct AccountRow {
    std::string directory;
    std::string contact; ///< as the authority knows it
    store::Blob sealed_key;
    std::optional<Timestamp> registered_ms;
    std::int64_t failures = 0; ///< in a row, of the kind that concerns all names
    std::optional<Timestamp> paused_until_ms;
    std::string error_code, error_message;
};
BOOST_DESCRIBE_STRUCT(
    AccountRow, (),
    (directory, contact, sealed_key, registered_ms, failures, paused_until_ms, error_code,
     error_message)
)

std::string account_context(const std::string& directory);

class AccountRepo {
public:
    explicit AccountRepo(store::Connection& db) : db_(db) {}

    Result<std::optional<AccountRow>> find(const std::string& directory);
    /// The one that is there, or a new one with a new key.
    Result<AccountRow> open(const std::string& directory, const crypto::Keystore& keys);
    Result<> update(const AccountRow& row);

private:
    store::Connection& db_;
};

} // namespace fairlead::certificates
