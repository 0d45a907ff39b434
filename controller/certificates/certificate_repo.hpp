/// The SQL of certificates.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/certificates/certificate.hpp"

#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::certificates {

class CertificateRepo {
public:
    CertificateRepo(store::Connection& db, const api::OrgScope& scope)
        : db_(db), org_(scope.org()) {}

    /// Errc::not_found.
    Result<Certificate> get(const CertificateId& id);
    Result<std::optional<Certificate>> find(const CertificateId& id);
    /// Newest first.
    Result<std::vector<Certificate>> list(std::string_view below, std::int64_t limit);
    /// Nothing when the name has a row already, of whomever.
    Result<> insert(const Certificate& certificate);
    Result<> update(const Certificate& certificate);
    Result<> set_chain(const CertificateId& id, const std::string& chain, const store::Blob& key);
    Result<> remove(const CertificateId& id);

    Result<> note_attempt(const std::string& name, Timestamp at);
    /// For one name, after `since`.
    Result<std::int64_t> attempts(const std::string& name, Timestamp since);

private:
    store::Connection& db_;
    OrgId org_;
};

// ---- of all organizations, for the controller itself ----

struct Known {
    CertificateId id;
    OrgId org;
};
Result<std::map<std::string, Known>> known(store::Connection& db);

/// All, or those alone that somebody does not want to wait for.
enum class Among { all, asked };
/// The next one to ask for: of the organization that asked least in the hour before, and within
/// what is allowed for a name, of an organization and in all. What met a limit of the authority
/// comes after all others, whom it may stop.
Result<std::optional<Certificate>> due(store::Connection& db, Timestamp now, Among among);
/// When there may be another one; nothing when there is none at all.
Result<std::optional<Timestamp>> next_due(store::Connection& db, Among among);
/// Up to told_at_once of those whose people are to be told something (trouble_of), by organization.
Result<std::vector<Certificate>> troubled(store::Connection& db, Timestamp now);
/// Attempts that the program did not see the end of can be made again now.
Result<std::int64_t> resume(store::Connection& db, Timestamp now);
Result<> forget_attempts(store::Connection& db, Timestamp before);
/// Up to `limit` of those that have a chain, by id.
Result<std::vector<Served>>
served(store::Connection& db, const CertificateId& after, std::int64_t limit);

} // namespace fairlead::certificates
