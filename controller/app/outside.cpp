#include "controller/app/outside.hpp"

#include "common/runtime/file.hpp"
#include "controller/egress/settings.hpp"
#include "controller/outbound/egress_challenges.hpp"
#include "controller/outbound/egress_way.hpp"
#include "controller/outbound/sender.hpp"

#include <stdexcept>

namespace fairlead::app {

Result<egress::Allow> load_exceptions(const Settings& settings) {
    if (!settings.egress) return egress::Allow();
    auto rules = egress::load_settings(settings.egress->rules);
    if (!rules && rules.error().kind() == Errc::not_found) return egress::Allow();
    if (!rules) return fail(rules.error());
    return egress::Allow::parse(rules->allow);
}

std::unique_ptr<outbound::Outbound> make_outbound(const Settings& settings) {
    auto allow = load_exceptions(settings);
    if (!allow) throw std::runtime_error(allow.error().message());
    std::string socket, ca;
    if (settings.egress) {
        socket = settings.egress->socket;
        if (settings.egress->ca) {
            auto pem = read_file(*settings.egress->ca, 1024 * 1024);
            if (!pem) throw std::runtime_error("egress: ca: " + pem.error().message());
            ca = *std::move(pem);
        }
    }
    return std::make_unique<outbound::Sender>(
        std::make_unique<outbound::EgressWay>(std::move(socket)), *std::move(allow), std::move(ca)
    );
}

std::unique_ptr<outbound::Challenges> make_challenges(const Settings& settings) {
    auto allow = load_exceptions(settings);
    if (!allow) throw std::runtime_error(allow.error().message());
    return std::make_unique<outbound::EgressChallenges>(
        settings.egress ? settings.egress->socket : std::string(), *std::move(allow)
    );
}

std::shared_ptr<outbound::Way> operators_way(const Settings& settings) {
    if (!settings.egress) return nullptr;
    return std::make_shared<outbound::EgressWay>(settings.egress->socket);
}

Result<> check_way_of_mail(const Settings& settings) {
    if (!settings.mail || !settings.egress || mail::is_loopback(settings.mail->host)) return {};
    FAIRLEAD_TRY(options, smtp_options(settings));
    auto rules = egress::load_settings(settings.egress->rules);
    // Not a file of this program's: whoever runs the egress sees to it.
    if (!rules) return {};
    auto server = egress::parse_place(egress::Place{options.host, options.port}.text());
    auto named = egress::parse_place(rules->smtp.value_or(""));
    if (!server || (named && *named == *server)) return {};
    return fail(
        Errc::conflict,
        "No mail goes out: fairlead-egress lets it to the server alone that `smtp` names. Write "
        "smtp: \"" +
            server->text() + "\" into " + settings.egress->rules + " and restart fairlead-egress."
    );
}

} // namespace fairlead::app
