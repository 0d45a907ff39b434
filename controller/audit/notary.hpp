/// Signs what each organization's log has come to, and hands out what proves it.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/crypto/note.hpp"
#include "common/store/store.hpp"
#include "controller/api/announcer.hpp"
#include "controller/api/principal.hpp"
#include "controller/api/sealed.hpp"

#include <boost/describe.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::audit {

/// A checkpoint as it is stored.
struct SignedCheckpoint {
    std::int64_t size = 0;
    Timestamp at;
    std::string note;
};
BOOST_DESCRIBE_STRUCT(SignedCheckpoint, (), (size, at, note))

/// Thread-safe. One key for the installation, made at the first start and sealed in the store.
class Notary {
public:
    /// `name` is the controller's host name; it becomes part of the key's name for good. Throws
    /// StoreError, and std::runtime_error when the key does not open.
    Notary(store::Store& store, const crypto::Keystore& keys, std::string_view name);

    /// What notes are checked with.
    const crypto::NoteVerifier& verifier() const { return verifier_; }
    /// The first line of an organization's checkpoints.
    std::string origin(const OrgId& org) const { return verifier_.name + "/" + org.str(); }

    /// Told of each new checkpoint after its commit, on the writer thread. Set once at start.
    void on_sign(std::function<void(const OrgId&)> told) { told_ = std::move(told); }

    /// Set once at start; without it nobody outside hears of checkpoints.
    void use(api::Announcer& announcer) { announcements_.use(announcer); }

    /// A new checkpoint for each organization whose log grew since its last one. A log that does
    /// not go on from its last checkpoint is not signed: the controller's log names it.
    Result<> sign_news(Timestamp now);
    /// The same for one organization at once; its newest checkpoint. Errc::not_found for an empty
    /// log, Errc::conflict when the log was altered.
    Result<SignedCheckpoint>
    sign(store::UnitOfWork& unit, const api::OrgScope& scope, Timestamp now);

    /// The same in a transaction of its own.
    Result<SignedCheckpoint> sign_now(const api::OrgScope& scope, Timestamp now);

    /// From now on the texts of all that stands before this place may be gone. In the transaction
    /// that drops them.
    Result<> sign_horizon(store::UnitOfWork& unit, const api::OrgScope& scope, std::int64_t below);

    static Result<std::optional<SignedCheckpoint>>
    newest(store::Connection& db, const api::OrgScope& scope);
    /// Those of more than `from` entries and of no more than `to`, smallest first.
    static Result<std::vector<SignedCheckpoint>>
    between(store::Connection& db, const api::OrgScope& scope, std::int64_t from, std::int64_t to);

private:
    struct Key;
    static Key load(store::Store& store, const crypto::Keystore& keys, std::string_view name);
    Notary(store::Store& store, Key key);
    void take_horizons_over(const crypto::Keystore& keys);

    store::Store& store_;
    crypto::SigningKey key_;
    crypto::NoteVerifier verifier_;
    bool signs_horizons_;
    std::function<void(const OrgId&)> told_ = [](const OrgId&) {};
    api::Announcements announcements_;
};

/// Shows the sealed key to `keys rekey`.
Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit);

} // namespace fairlead::audit
