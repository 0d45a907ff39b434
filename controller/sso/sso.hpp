/// Single sign-on: from the button to the session, and identities of an account.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/store/store.hpp"
#include "controller/access/accounts.hpp"
#include "controller/sso/attempts.hpp"
#include "controller/sso/identities.hpp"
#include "controller/sso/protocol.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fairlead::sso {

/// A sign-in that waits for the account's own second factor.
struct Waiting {
    Secret challenge;
    std::vector<std::string> methods;
};
using Entered = std::variant<access::OpenedSession, Waiting>;

/// What `access` does for somebody who has proven who they are; `app` joins the two.
struct Door {
    /// Lets them in, or asks for their second factor.
    std::function<Result<
        Entered>(store::UnitOfWork&, const access::Caller&, const access::User&, const access::Proof&)>
        enter;
    /// Makes an account whose address is proven; nothing where nobody lets this person in.
    std::function<Result<std::optional<access::User>>(
        store::UnitOfWork&, const access::Caller&, const std::string& email, const std::string& name
    )>
        welcome;
    /// Can the person sign in by other means than identities?
    std::function<Result<bool>(store::Connection&, const access::User&)> has_other_way;
};

/// Thread-safe. Providers are asked outside of transactions; worker threads only.
class Sso {
public:
    struct Parts {
        store::Store& store;
        const crypto::Keystore& keys;
        access::Accounts& accounts;
        access::Sessions& sessions;
        std::string url; ///< "https://fairlead.example": what redirect addresses begin with
        Fetch fetch;
        Door door;
    };
    Sso(Parts parts, std::vector<Provider> providers);
    Sso(const Sso&) = delete;

    const std::vector<Provider>& providers() const { return providers_; }
    /// Errc::not_found.
    Result<const Provider*> find(std::string_view slug) const;

    struct Start {
        std::string location; ///< at the provider
        std::string cookie;   ///< value of attempt_cookie
    };
    /// `back` is_own_path. With `linking` the identity is added to that session's account. Errors
    /// as Protocol.
    Result<Start> start(
        const Provider& provider, std::string back, const std::optional<SessionId>& linking,
        Timestamp now
    );

    /// What a browser comes back with.
    struct Return {
        std::string state;
        std::string code;
        std::string error;
        std::optional<std::string> issuer;
        std::string attempt; ///< value of attempt_cookie
    };
    struct Arrival {
        std::string back;
        std::optional<Entered> entered; ///< none: an identity was added
    };
    /// What the browser was about to do, whatever became of it.
    Result<Begun> attempt(std::string_view cookie) const {
        return read_attempt(parts_.keys, cookie);
    }
    /// Errors have codes that problems.hpp knows.
    Result<Arrival>
    arrive(const access::Caller& caller, const Provider& provider, const Return& given);

    Result<std::vector<Identity>> identities(const UserId& user);
    /// Errc::not_found; Errc::conflict (last_way_in) where nothing else would let the person in.
    Result<> remove(const access::Caller& caller, const UserId& user, const IdentityId& id);

    Result<> tidy(Timestamp now);

private:
    std::string redirect_uri(const Provider& provider) const;
    Result<Person>
    ask(const Begun& begun, const Provider& provider, const Return& given, Timestamp now);
    Result<> failed(const access::Caller& caller);
    Result<Entered> sign_in(
        store::UnitOfWork& unit, const access::Caller& caller, const Provider& provider,
        const Person& person
    );
    Result<access::User> owner_of(
        store::UnitOfWork& unit, const access::Caller& caller, const Provider& provider,
        const Person& person
    );
    Result<> link(
        store::UnitOfWork& unit, const access::Caller& caller, const UserId& owner,
        const Provider& provider, const Person& person
    );

    Parts parts_;
    std::vector<Provider> providers_;
    std::map<std::string, std::unique_ptr<Protocol>, std::less<>> protocols_; ///< by slug
};

} // namespace fairlead::sso
