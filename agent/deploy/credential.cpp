#include "agent/deploy/credential.hpp"

#include <fmt/core.h>

namespace fairlead::deploy {

Result<std::optional<host::GitCredential>>
credential_of(const proto::Source& source, const journal::Work& work) {
    if (source.credential.empty()) return std::optional<host::GitCredential>();
    auto name = source.credential.starts_with("credential:") ? source.credential
                                                             : "credential:" + source.credential;
    auto secret = work.secret(name);
    if (!secret)
        return fail(
            Errc::invalid,
            fmt::format(
                "The credential of the repository {} did not come with the operation.", source.name
            )
        );
    host::GitCredential credential;
    credential.kind = source.credential_kind == "ssh_key" ? host::GitCredential::Kind::ssh_key
                                                          : host::GitCredential::Kind::token;
    credential.username = source.username;
    credential.secret = *secret;
    return std::optional(std::move(credential));
}

} // namespace fairlead::deploy
