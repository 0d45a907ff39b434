/// Certificates for the edge, as the settings have them.
#pragma once

#include "common/net/tls_context.hpp"
#include "common/runtime/clock.hpp"
#include "controller/app/settings.hpp"
#include "controller/certificates/certificates.hpp"

#include <memory>
#include <string>

namespace fairlead::app {

/// Null without `acme` in the settings. Throws what is wrong with the files that they name.
std::unique_ptr<certificates::Client>
make_acme_client(const Settings& settings, net::TlsServerContext& tls, const Clock& clock);

certificates::Faces faces_of(net::TlsServerContext& tls);
std::optional<certificates::Authority> acme_authority(const Settings& settings);

/// What `acme` names, looked at: the client, the key's file, the way.
std::vector<std::string> acme_surroundings(const Settings& settings);

/// 0 … 1
double random_chance();

} // namespace fairlead::app
