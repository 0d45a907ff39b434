#include "controller/sso/problems.hpp"

#include <array>
#include <utility>

namespace fairlead::sso {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 13> sentences{{
    {"sso_cancelled",
     "The provider did not sign you in: you or it ended the attempt. Try again, or "
     "sign in another way."},
    {"sso_expired", "This attempt to sign in is over: it took more than ten minutes, was used "
                    "already, or was begun in another browser. Begin anew."},
    {"sso_unavailable", "The provider did not answer, or with something that makes no sense. Try "
                        "again in a minute; if it stays so, tell the administrator."},
    {"sso_refused", "What the provider answered is no proof of who you are, so nobody was signed "
                    "in. Begin anew; if it stays so, tell the administrator."},
    {"sso_misconfigured",
     "The provider does not know this controller. The administrator has to "
     "look at its client id and secret in controller.yaml; the log says more."},
    {"sso_email_unverified",
     "The provider does not say that your e-mail address is verified, so it proves nothing here. "
     "Confirm the address there; or sign in another way and add the provider in your account."},
    {"sso_account_unverified", "There is an account with your e-mail address whose address was "
                               "never confirmed. Confirm it by "
                               "the link that was mailed, then try again."},
    {"sso_no_account", "Nobody has an account here with your e-mail address, and accounts are not "
                       "open to everybody. Ask your organization for an invitation."},
    {"sso_no_such_user", "The account is not there any more."},
    {"identity_taken", "This identity belongs to another account here. Remove it there first."},
    {"identities_full", "Your account has as many identities as it may. Remove one first."},
    {"link_session_ended", "You were signed out, or signed in as somebody else, meanwhile. Sign in "
                           "and add the provider again."},
    {"rate_limited", "Too many attempts failed. Wait a quarter of an hour, then try again."},
}};

} // namespace

std::optional<std::string> sentence_of(std::string_view code) {
    for (const auto& [name, sentence] : sentences)
        if (name == code) return std::string(sentence);
    return std::nullopt;
}

std::string problem_code(const Error& error) {
    if (sentence_of(error.code())) return error.code();
    switch (error.kind()) {
    case Errc::unauthenticated:
    case Errc::not_found:
    case Errc::forbidden:
        return "sso_refused";
    case Errc::rate_limited:
        return "rate_limited";
    default:
        return "sso_unavailable";
    }
}

} // namespace fairlead::sso
