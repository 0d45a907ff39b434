#include "controller/app/mailing.hpp"

#include "common/runtime/log.hpp"
#include "controller/app/outside.hpp"

#include <stdexcept>

namespace fairlead::app {

Mailing::Mailing(
    const Settings& settings, store::Store& store, const crypto::Keystore& keys, const Clock& clock
)
    : outbox_(store, keys, settings.mail ? mail::Delivery::by_mail : mail::Delivery::by_hand) {
    if (!settings.mail) {
        outbox_.on_put([](const std::string& kind, const std::string& to) {
            log::warning(
                "no mail server is configured: a link waits to be handed over; the console shows "
                "it to whoever looks after the installation",
                {{"kind", kind}, {"to", to}}
            );
        });
        return;
    }
    auto options = smtp_options(settings);
    if (!options) throw std::runtime_error("mail: " + options.error().message());
    if (auto way = check_way_of_mail(settings); !way) log::warning(way.error().message());
    smtp_ = std::make_unique<mail::Smtp>(*std::move(options));
    postman_ = std::make_unique<mail::Postman>(outbox_, *smtp_, clock);
    outbox_.on_put([this](const std::string&, const std::string&) { postman_->wake(); });
}

void Mailing::start() {
    if (postman_) postman_->start();
}

} // namespace fairlead::app
