/// Typed ids: a prefix and a ULID, "srv_01J…" (SPEC section 1).
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"

#include <compare>
#include <string>
#include <string_view>

namespace fairlead {

/// A new ULID (26 characters, Crockford base 32): 48 bits of time, 80 random bits. Within one
/// process later calls sort after earlier ones, also inside a millisecond. Thread-safe.
std::string new_ulid(Timestamp at);

/// True for 26 upper-case Crockford characters that fit in 128 bits.
bool is_ulid(std::string_view text);

/// One kind of id. `Kind::prefix` names it. Default-constructed ids are empty and belong to
/// nothing.
template <class Kind>
class Id {
public:
    Id() = default;

    static Id make(Timestamp at) { return Id(std::string(Kind::prefix) + new_ulid(at)); }

    /// Errc::not_found for anything malformed: a bad id names nothing, as an unknown one does.
    static Result<Id> parse(std::string_view text) {
        if (!text.starts_with(Kind::prefix) || !is_ulid(text.substr(Kind::prefix.size())))
            return fail(Errc::not_found, "There is no such " + std::string(Kind::noun) + ".");
        return Id(std::string(text));
    }

    /// For values that our own store or a checked message holds.
    static Id trusted(std::string text) { return Id(std::move(text)); }

    const std::string& str() const { return text_; }
    bool empty() const { return text_.empty(); }
    auto operator<=>(const Id&) const = default;

private:
    explicit Id(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

#define FAIRLEAD_ID(name, text_prefix, text_noun)                                                  \
    struct name##Kind {                                                                            \
        static constexpr std::string_view prefix = text_prefix;                                    \
        static constexpr std::string_view noun = text_noun;                                        \
    };                                                                                             \
    using name = Id<name##Kind>

FAIRLEAD_ID(OrgId, "org_", "organization");
FAIRLEAD_ID(UserId, "usr_", "user");
FAIRLEAD_ID(SessionId, "ses_", "session");
FAIRLEAD_ID(ServerId, "srv_", "server");
FAIRLEAD_ID(TokenId, "tok_", "registration token");
FAIRLEAD_ID(ProjectId, "prj_", "project");
FAIRLEAD_ID(EnvironmentId, "env_", "environment");
FAIRLEAD_ID(ReleaseId, "rel_", "release");
FAIRLEAD_ID(OperationId, "op_", "operation");
FAIRLEAD_ID(CredentialId, "gcr_", "git credential");
FAIRLEAD_ID(StorageId, "sto_", "storage");
FAIRLEAD_ID(BackupId, "bak_", "backup");
FAIRLEAD_ID(ImportId, "imp_", "import");
FAIRLEAD_ID(AuditId, "aud_", "audit entry");
FAIRLEAD_ID(MailId, "mai_", "mail");
FAIRLEAD_ID(RoleId, "rol_", "role");
FAIRLEAD_ID(InvitationId, "inv_", "invitation");
FAIRLEAD_ID(KeyId, "key_", "API key");
FAIRLEAD_ID(PasskeyId, "pky_", "passkey");
FAIRLEAD_ID(IdentityId, "idn_", "identity");
FAIRLEAD_ID(GrantId, "cag_", "Connect-As grant");
FAIRLEAD_ID(SupportId, "sup_", "support access");
FAIRLEAD_ID(ConnectId, "con_", "Connect-As session");

} // namespace fairlead
