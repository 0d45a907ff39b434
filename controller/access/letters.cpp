#include "controller/access/letters.hpp"

#include <fmt/core.h>

namespace fairlead::access {
namespace {

constexpr auto news_last = std::chrono::hours(24);

mail::Letter with_link(
    std::string_view kind, std::string_view to, std::string_view subject, std::string_view before,
    Secret link, std::string_view after, Timestamp expires
) {
    auto text = fmt::format("{}\n\n{}\n\n{}\n", before, link.reveal(), after);
    return {std::string(kind), std::string(to), std::string(subject),
            std::move(text),   std::move(link), expires};
}

mail::Letter news(
    std::string_view kind, std::string_view to, std::string_view subject, std::string text,
    Timestamp now
) {
    return {std::string(kind), std::string(to), std::string(subject),
            std::move(text),   Secret(),        now + news_last};
}

/// What follows the # stays in the browser: no server and no proxy writes it down.
Secret link_to(std::string_view url, std::string_view page, const Secret& token) {
    return Secret(fmt::format("{}/{}#{}", url, page, token.reveal()));
}

} // namespace

mail::Letter Letters::verify(std::string_view to, const Secret& token, Timestamp now) const {
    return with_link(
        "verify_email", to, "Confirm your e-mail address",
        fmt::format(
            "Somebody, probably you, has registered with this address at\n{}\n\nConfirm that it is "
            "yours:",
            url_
        ),
        link_to(url_, "verify-email", token),
        "The link is good once, for 24 hours. If it was not you, do nothing: without\nthe link, "
        "nobody can sign in with your address.",
        now + verify_lasts
    );
}

mail::Letter Letters::change(std::string_view to, const Secret& token, Timestamp now) const {
    return with_link(
        "change_email", to, "Confirm your new e-mail address",
        fmt::format("Confirm that your account at\n{}\nshall have this address from now on:", url_),
        link_to(url_, "verify-email", token),
        "The link is good once, for 24 hours. If you have not asked for it, do nothing.",
        now + verify_lasts
    );
}

mail::Letter Letters::reset(std::string_view to, const Secret& token, Timestamp now) const {
    return with_link(
        "reset_password", to, "Choose a new password",
        fmt::format(
            "Somebody, probably you, has asked for a new password at\n{}\n\nChoose it here:", url_
        ),
        link_to(url_, "reset-password", token),
        "The link is good once, for an hour. If it was not you, do nothing: your password\nstays "
        "as it is.",
        now + reset_lasts
    );
}

mail::Letter Letters::known_already(std::string_view to, Timestamp now) const {
    return news(
        "known_already", to, "You have an account already",
        fmt::format(
            "Somebody, probably you, has tried to register with this address at\n{}\n\nThere is an "
            "account with it already, and nothing has changed. If you have\nforgotten the "
            "password, choose a new one from the page where you sign in.\n",
            url_
        ),
        now
    );
}

mail::Letter
Letters::address_changed(std::string_view to, std::string_view new_address, Timestamp now) const {
    return news(
        "address_changed", to, "Your account has another e-mail address now",
        fmt::format(
            "Your account at\n{}\nhas the address {} from now on, and no longer this one.\n\nIf "
            "that was not you, tell whoever runs the controller at once.\n",
            url_, new_address
        ),
        now
    );
}

mail::Letter Letters::password_was_reset(std::string_view to, Timestamp now) const {
    return news(
        "password_was_reset", to, "Your password was changed",
        fmt::format(
            "A new password was chosen for your account at\n{}\nby a link that was sent to this "
            "address. All sessions have ended.\n\nIf that was not you, somebody reads your mail: "
            "change its password first.\n",
            url_
        ),
        now
    );
}

} // namespace fairlead::access
