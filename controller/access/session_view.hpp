/// What every route that opens or shows a session answers with.
#pragma once

#include "controller/access/accounts.hpp"
#include "controller/access/sessions.hpp"
#include "controller/api/call.hpp"
#include "controller/api/response.hpp"
#include "controller/orgs/plans.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace fairlead::access {

/// What a session tells the console of the controller itself.
struct ControllerFacts {
    std::string name;
    std::string version;
    std::optional<std::string> fingerprint; ///< base64 SHA-256 of the certificate's public key;
                                            ///< none for a public certificate
    bool self_signed = false;
};

/// Who asks, with the session that a new one replaces.
Caller caller_of(const api::Call& call);

/// Thread-safe.
class SessionView {
public:
    struct Parts {
        store::Store& store;
        Sessions& sessions;
        const orgs::Plans& plans;
        std::function<ControllerFacts()> facts; ///< asked for each request, on worker threads
    };
    explicit SessionView(Parts parts) : parts_(std::move(parts)) {}

    Result<api::Response> show(const Session& session) const;
    /// The same, with its cookie.
    Result<api::Response> opened(const OpenedSession& opened) const;
    /// A sign-in that is complete, or the problem second_factor_required with the challenge and the
    /// methods.
    Result<api::Response> entered(const SignIn& entry) const;
    /// A session that has a new token.
    Result<api::Response> renewed(const Secret& token, Timestamp now) const;
    /// Sets the new cookie alone.
    void set_cookie(api::Response& response, const Secret& token) const;
    /// No session any more: 204, and the cookie is cleared.
    static api::Response signed_out();

private:
    Parts parts_;
};

} // namespace fairlead::access
