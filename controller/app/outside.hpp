/// The way out of the controller, as its settings have it.
#pragma once

#include "controller/app/settings.hpp"
#include "controller/outbound/challenges.hpp"
#include "controller/outbound/outbound.hpp"
#include "controller/outbound/way.hpp"

#include <memory>

namespace fairlead::app {

/// For people's addresses. Without an egress in the settings it answers "egress_missing" to all.
/// Throws what is wrong with the files that the settings name.
std::unique_ptr<outbound::Outbound> make_outbound(const Settings& settings);

/// For proofs of host names; without an egress likewise.
std::unique_ptr<outbound::Challenges> make_challenges(const Settings& settings);

/// For what the operator named (mail server, providers); null without an egress in the settings.
std::shared_ptr<outbound::Way> operators_way(const Settings& settings);

/// Whether mail can go the way that the settings have for it. Errc::conflict, with what to write
/// where: the egress would refuse the mail server.
Result<> check_way_of_mail(const Settings& settings);

/// The operator's exceptions. Empty where the file is not there.
Result<egress::Allow> load_exceptions(const Settings& settings);

} // namespace fairlead::app
