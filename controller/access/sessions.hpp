/// Who is signed in: opaque random ids in cookies, only their hashes in the store.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/access/users.hpp"

#include <boost/describe.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fairlead::access {

struct SessionLimits {
    std::chrono::seconds idle{30 * 60}; ///< sliding
    std::chrono::seconds absolute{7 * 24 * 3600};
};

/// How somebody proved who they are.
struct Proof {
    std::string method = "password"; ///< "password", "passkey", "sso" or "link"
    std::string issuer = {};         ///< of single sign-on: the provider's slug
    bool second_factor = false;      ///< a second one was given, or the one counts as two
};

struct Session {
    SessionId id;
    UserId user_id;
    std::string email;
    std::string user_name;
    Timestamp created;
    Timestamp last_used;
    Timestamp expires; ///< absolute
    std::string address;
    std::string user_agent;
    std::string method; ///< as Proof has it
    std::string issuer;
    bool second_factor = false;
    Timestamp elevated; ///< when a proof was given last; see api::Marks::step_up
};
BOOST_DESCRIBE_STRUCT(
    Session, (),
    (id, user_id, email, user_name, created, last_used, expires, address, user_agent, method,
     issuer, second_factor, elevated)
)

struct OpenedSession {
    Session session;
    Secret token; ///< for the cookie
};

/// Thread-safe. Keeps sessions in use in memory; what ends a session here counts for the very next
/// request, what another process writes within five seconds.
class Sessions {
public:
    Sessions(store::Store& store, SessionLimits limits) : store_(store), limits_(limits) {}

    /// Told of every session that ends, after the commit, on the writer thread: closes its streams
    /// and sockets. Set once, before anything else is called.
    void on_end(std::function<void(const SessionId&)> ended) { ended_ = std::move(ended); }

    /// Told of them in the transaction that ends them; a failure keeps them. Set once, too.
    using Ending = std::function<Result<>(store::UnitOfWork&, const std::vector<SessionId>&)>;
    void on_ending(Ending ending) { ending_ = std::move(ending); }

    /// The session of a cookie, used now: its idle time starts again. Errc::unauthenticated. Opens
    /// its own transactions.
    Result<Session> use(std::string_view token, Timestamp now);

    /// The oldest beyond 100 of a person end.
    Result<OpenedSession> open(
        store::UnitOfWork& unit, const User& user, const Proof& proof, std::string_view address,
        std::string_view user_agent, Timestamp now
    );
    /// A proof was given again in this session: from now on it is elevated, and has a new token.
    /// Errc::not_found unless it is one of this person's.
    Result<Secret> elevate(
        store::UnitOfWork& unit, const UserId& user, const SessionId& session, bool second_factor,
        Timestamp now
    );
    /// Errc::not_found unless it is one of this person's.
    Result<> end(store::UnitOfWork& unit, const UserId& user, const SessionId& session);
    Result<>
    end_all(store::UnitOfWork& unit, const UserId& user, const std::optional<SessionId>& but);

    /// Their name or address is another one: it shows at once in every session of theirs.
    void changed(store::UnitOfWork& unit, const UserId& user);

    /// They have no second factor any more: what their sessions proved with it counts no longer.
    /// Those of single sign-on stay as they are, for the provider asked.
    Result<> without_second_factor(store::UnitOfWork& unit, const UserId& user);

    /// Last used first.
    Result<std::vector<Session>> list(const UserId& user, Timestamp now);

    /// Ends what is idle for too long or too old. Every minute or so.
    Result<> tidy(Timestamp now);

    const SessionLimits& limits() const { return limits_; }

    static constexpr std::string_view token_prefix = "fls_";
    static constexpr std::size_t most_per_user = 100;

private:
    struct Known {
        Session session;
        Timestamp read;  ///< from the store
        Timestamp saved; ///< last_used as it is in the store
    };
    bool alive(const Session& session, Timestamp now) const;
    std::optional<Known> recall(const std::string& hash, Timestamp now);
    Result<Known> fetch(const std::string& hash, Timestamp now);
    Result<> ending(store::UnitOfWork& unit, std::vector<SessionId> ended);
    void forget(const std::vector<SessionId>& sessions);

    store::Store& store_;
    SessionLimits limits_;
    std::function<void(const SessionId&)> ended_ = [](const SessionId&) {};
    Ending ending_ = [](auto&, auto&) { return Result<>(); };
    std::mutex lock_;
    std::unordered_map<std::string, Known> known_; ///< by token hash
    std::uint64_t endings_ =
        0; ///< grows whenever sessions end, so that a read from before does not bring one back
};

} // namespace fairlead::access
