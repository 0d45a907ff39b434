/// The SQL of storages: buckets of the customers' own.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "proto/operations.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fairlead::backups {

BOOST_DEFINE_ENUM_CLASS(Provider, aws, r2, b2, minio, ceph, other)
BOOST_DEFINE_ENUM_CLASS(StorageState, untested, working, failed)

/// A row, with what refers to it; its keys are read by `sealed` alone.
struct Storage {
    StorageId id;
    std::string name;
    Provider provider = Provider::other;
    std::string endpoint; ///< "https://host[:port]"
    std::string region;
    std::string bucket;
    std::string prefix;
    proto::Addressing addressing = proto::Addressing::path;
    std::string access_key;
    std::string ca;
    proto::ObjectLock object_lock = proto::ObjectLock::none;
    std::uint32_t object_lock_days = 0;
    StorageState state = StorageState::untested;
    std::string checks = "[]"; ///< JSON as the API shows it
    std::optional<Timestamp> tested_ms;
    std::optional<ServerId> tested_on;
    std::optional<OperationId> test_operation; ///< the newest one; results of others do not count
    Timestamp created_ms;
    UserId created_by;
    std::string created_by_email;
    bool has_session_token = false;
    std::int64_t environments = 0;
    std::int64_t backups = 0;
};
BOOST_DESCRIBE_STRUCT(
    Storage, (),
    (id, name, provider, endpoint, region, bucket, prefix, addressing, access_key, ca, object_lock,
     object_lock_days, state, checks, tested_ms, tested_on, test_operation, created_ms, created_by,
     created_by_email, has_session_token, environments, backups)
)

/// Its keys, under the master key.
struct SealedKeys {
    store::Blob sealed;
    std::optional<store::Blob> sealed_token;
};
BOOST_DESCRIBE_STRUCT(SealedKeys, (), (sealed, sealed_token))

class StorageRepo {
public:
    StorageRepo(store::Connection& db, const api::OrgScope& scope)
        : db_(db), org_(scope.org()), limit_(scope.limit()) {}

    Result<> insert(const Storage& storage, const SealedKeys& keys);
    Result<Storage> get(const StorageId& id);
    Result<std::optional<Storage>> find(const StorageId& id);
    Result<std::vector<Storage>> list(std::string_view below, std::int64_t limit);
    Result<std::int64_t> count();
    /// Everything but its keys.
    Result<> update(const Storage& storage);
    Result<> put_keys(const StorageId& id, const SealedKeys& keys);
    Result<std::optional<SealedKeys>> sealed(const StorageId& id);
    Result<> remove(const StorageId& id);
    /// The names of environments whose policy has it, at most `limit`.
    Result<std::vector<std::string>> used_by(const StorageId& id, std::int64_t limit);

private:
    store::Connection& db_;
    OrgId org_;
    std::string limit_;
};

/// What the sealed keys are bound to.
std::string secret_context(const StorageId& id);
std::string token_context(const StorageId& id);

} // namespace fairlead::backups
