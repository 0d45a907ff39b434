#include "controller/sso/grant.hpp"
#include "controller/sso/members.hpp"
#include "controller/sso/oidc.hpp"

#include <fmt/core.h>

namespace fairlead::sso {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

/// No signature says who it was: what counts is that the provider itself, over TLS, answers to a
/// token that was traded for a code of this attempt.
class PlainOauth : public Protocol {
public:
    PlainOauth(const Provider& provider, Fetch fetch)
        : provider_(provider), fetch_(std::move(fetch)) {}

    Result<std::string> begin(const Attempt& attempt, Timestamp) override {
        return with_query(provider_.authorize, authorization_query(provider_, attempt));
    }

    Result<Person> finish(const Attempt& attempt, const Returned& returned, Timestamp) override {
        if (returned.issuer && *returned.issuer != provider_.issuer &&
            !returned.issuer->starts_with(provider_.issuer + "/"))
            return fail(
                Errc::unauthenticated, "The answer is not that of " + provider_.name + ".",
                "iss " + returned.issuer->substr(0, 200)
            );
        bool basic = provider_.preset == Preset::bitbucket;
        FAIRLEAD_TRY(
            tokens, trade(provider_, fetch_, provider_.token, basic, attempt, returned.code)
        );
        Person person{.issuer = provider_.issuer};
        FAIRLEAD_CHECK(tell(tokens.access, person));
        if (person.subject.empty() || person.subject.size() > 255)
            return fail(Errc::unauthenticated, provider_.name + " does not say who it was.");
        return person;
    }

protected:
    virtual Result<> tell(const Secret& access, Person& person) = 0;

    Result<object> get_object(const std::string& path, const Secret& access, const char* accept) {
        FAIRLEAD_TRY(answer, ask_as(provider_, fetch_, provider_.api + path, access, accept));
        if (!answer.is_object()) return unclear();
        return std::move(answer.get_object());
    }

    tl::unexpected<Error> unclear() const {
        return fail(Errc::invalid, provider_.name + " answered with something unexpected.");
    }

    /// The one main address, where the provider has had it confirmed.
    static void
    take_email(const array& list, const char* main, const char* confirmed, Person& person) {
        for (const auto& one : list) {
            if (!one.is_object() || !true_member(one.get_object(), main)) continue;
            person.email = text_member(one.get_object(), "email", 254).value_or("");
            person.email_verified =
                !person.email.empty() && true_member(one.get_object(), confirmed);
            return;
        }
    }

    const Provider& provider_;
    Fetch fetch_;
};

/// docs.github.com: "Get the authenticated user", "List email addresses for the authenticated
/// user".
class Github final : public PlainOauth {
    using PlainOauth::PlainOauth;

    Result<> tell(const Secret& access, Person& person) override {
        constexpr auto accept = "application/vnd.github+json";
        FAIRLEAD_TRY(user, get_object("/user", access, accept));
        const auto* id = user.if_contains("id");
        if (!id || !id->is_int64() || id->get_int64() <= 0) return unclear();
        person.subject = fmt::format("{}", id->get_int64()); // log-in names can be given away
        person.name =
            text_member(user, "name", 300).value_or(text_member(user, "login", 300).value_or(""));
        FAIRLEAD_TRY(
            emails, ask_as(provider_, fetch_, provider_.api + "/user/emails", access, accept)
        );
        if (!emails.is_array()) return unclear();
        take_email(emails.get_array(), "primary", "verified", person);
        return {};
    }
};

/// developer.atlassian.com: Bitbucket Cloud, "Get current user", "List email addresses for current
/// user".
class Bitbucket final : public PlainOauth {
    using PlainOauth::PlainOauth;

    Result<> tell(const Secret& access, Person& person) override {
        FAIRLEAD_TRY(user, get_object("/user", access, "application/json"));
        person.subject = text_member(user, "uuid", 255).value_or("");
        person.name = text_member(user, "display_name", 300).value_or("");
        FAIRLEAD_TRY(emails, get_object("/user/emails", access, "application/json"));
        const auto* list = emails.if_contains("values");
        if (!list || !list->is_array()) return unclear();
        take_email(list->get_array(), "is_primary", "is_confirmed", person);
        return {};
    }
};

} // namespace

std::unique_ptr<Protocol> make_plain_oauth(const Provider& provider, Fetch fetch) {
    if (provider.preset == Preset::github)
        return std::make_unique<Github>(provider, std::move(fetch));
    return std::make_unique<Bitbucket>(provider, std::move(fetch));
}

} // namespace fairlead::sso
