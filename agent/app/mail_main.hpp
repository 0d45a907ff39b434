/// The processes of captured mail, put together: the one that takes it, and one for each reading.
#pragma once

#include "agent/mail/places.hpp"

#include <filesystem>
#include <string>

namespace fairlead::app {

struct MailOptions {
    std::filesystem::path policy = "/etc/fairlead/policy.yaml";
    std::string link_user = "fairlead";
    mail::Places places;
};

/// Takes mail in until nobody hands any in. The exit code.
int run_mail_sink(const MailOptions& options);

/// The same of one reading. Standard input is the connection of the link that systemd took.
int run_mailbox(const MailOptions& options);

} // namespace fairlead::app
