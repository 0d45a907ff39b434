/// OpenID Connect: any issuer, Google, GitLab, Microsoft.
#pragma once

#include "controller/sso/issuer.hpp"
#include "controller/sso/protocol.hpp"

#include <boost/json/object.hpp>

namespace fairlead::sso {

class Oidc final : public Protocol {
public:
    Oidc(const Provider& provider, Fetch fetch)
        : provider_(provider), fetch_(fetch), issuer_(provider, std::move(fetch)) {}

    Result<std::string> begin(const Attempt& attempt, Timestamp now) override;
    Result<Person> finish(const Attempt& attempt, const Returned& returned, Timestamp now) override;

private:
    void describe(const boost::json::object& claims, Person& person) const;

    const Provider& provider_;
    Fetch fetch_;
    Issuer issuer_;
};

/// GitHub and Bitbucket, which have no ID token (plain_oauth.cpp).
std::unique_ptr<Protocol> make_plain_oauth(const Provider& provider, Fetch fetch);

} // namespace fairlead::sso
