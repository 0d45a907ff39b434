/// The outbox, and what empties it: the mail server of the settings, or, where there is none,
/// somebody who reads the log.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/runtime/clock.hpp"
#include "common/store/store.hpp"
#include "controller/app/settings.hpp"
#include "controller/mail/outbox.hpp"
#include "controller/mail/postman.hpp"
#include "controller/mail/smtp.hpp"

#include <memory>

namespace fairlead::app {

class Mailing {
public:
    /// Throws when the settings name a password file that cannot be read.
    Mailing(
        const Settings& settings, store::Store& store, const crypto::Keystore& keys,
        const Clock& clock
    );
    Mailing(const Mailing&) = delete;

    mail::Outbox& outbox() { return outbox_; }
    /// From now on letters are carried; until this goes away.
    void start();

private:
    mail::Outbox outbox_;
    std::unique_ptr<mail::Smtp> smtp_;
    std::unique_ptr<mail::Postman> postman_;
};

} // namespace fairlead::app
