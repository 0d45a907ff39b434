/// What a request to a hook says it is, and whether it proves it. Header names and signatures as
/// GitHub, GitLab, Bitbucket Cloud and Gitea document them for webhooks; Forgejo is read as Gitea.
#pragma once

#include "common/runtime/secret.hpp"
#include "controller/api/call.hpp"

#include <boost/describe/enum.hpp>

#include <optional>
#include <string>

namespace fairlead::pushes {

BOOST_DEFINE_ENUM_CLASS(Provider, github, gitlab, bitbucket, gitea)

/// "GitHub"
std::string_view name_of(Provider provider);

/// Everything in it is the sender's word.
struct Delivery {
    Provider provider = Provider::github;
    std::string event; ///< in the provider's own word, "push", "Push Hook", "repo:push"
    std::string id;    ///< the same when the provider sends it again; "" where it names none
};

/// Nothing where no header names an event of a provider that is known.
std::optional<Delivery> delivery_of(const api::Request& request);

/// Whether the body, as it came, was signed with this secret; GitLab signs it where the secret is
/// the hook's signing token, and sends the secret itself where it is its secret token. Compares in
/// constant time.
bool proved(const api::Request& request, Provider provider, const Secret& secret);

} // namespace fairlead::pushes
