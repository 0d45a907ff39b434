/// Mails that wait: put there in the transaction of what they tell of, sent after it.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/api/sealed.hpp"
#include "controller/mail/message.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::mail {

/// What somebody shall get. The link is in the text too; where no mail is sent, an administrator
/// hands it over.
struct Letter {
    std::string kind; ///< "verify_email", "reset_password", …
    std::string to;   ///< a bare address
    std::string subject;
    std::string text;
    Secret link;       ///< empty: news only
    Timestamp expires; ///< of the link: what was not sent by then is of no use
};

/// A mail that has not gone out.
struct Waiting {
    MailId id;
    std::string kind;
    std::string recipient;
    Timestamp created;
    Timestamp expires;
    std::int64_t attempts = 0;
    std::optional<Timestamp> next; ///< none: given up
    std::string last_error;
};
BOOST_DESCRIBE_STRUCT(
    Waiting, (), (id, kind, recipient, created, expires, attempts, next, last_error)
)

/// By the postman, or, where no mail server is configured, by an administrator who is shown the
/// links.
enum class Delivery { by_mail, by_hand };

/// Thread-safe. What lies in the store is sealed, for it holds links.
class Outbox {
public:
    Outbox(store::Store& store, const crypto::Keystore& keys, Delivery delivery)
        : store_(store), keys_(keys), delivery_(delivery) {}

    Delivery delivery() const { return delivery_; }

    /// Told after each commit that put a letter here. Set once, before anything else is called.
    void on_put(std::function<void(const std::string& kind, const std::string& to)> put) {
        put_ = std::move(put);
    }

    /// Replaces an earlier letter of that kind to that address, whose link is void by now. One
    /// without a link is left out where letters go by hand. Errc::unavailable beyond 10,000
    /// letters.
    Result<> put(store::UnitOfWork& unit, const Letter& letter, Timestamp now);
    /// Errc::unavailable when the next put() would be: asked before it is decided whether somebody
    /// gets a letter, so that nobody learns from the answer who does.
    Result<> check_room(store::Connection& db) const;
    /// Whoever asked for it does not want it any more, such as by a newer address.
    Result<> withdraw(store::UnitOfWork& unit, std::string_view kind, std::string_view to);

    /// By age, newest first, `before` the last one of the page before.
    Result<std::vector<Waiting>>
    list(store::Connection& db, std::string_view before, std::int64_t limit) const;
    /// Nothing when it was sent or has expired meanwhile. For where letters go by hand:
    /// std::logic_error elsewhere, as nobody but the recipient shall see it.
    Result<std::optional<Secret>> link_of(store::Connection& db, const MailId& id) const;

    /// The oldest letters whose time has come, with their messages.
    struct Due {
        Waiting mail;
        Message message;
    };
    Result<std::vector<Due>> due(Timestamp now, std::int64_t limit) const;
    Result<> sent(const MailId& id);
    /// The next attempt is later each time, from 30 s to an hour; none after a refusal for good.
    Result<> failed(const Waiting& mail, const Error& why, Timestamp now);

    /// Forgets what has expired, and after a day what was refused for good.
    Result<> tidy(Timestamp now);

    static std::chrono::seconds pause_after(std::int64_t attempts);

private:
    Result<std::optional<Secret>> open(store::Connection& db, const MailId& id) const;

    store::Store& store_;
    const crypto::Keystore& keys_;
    Delivery delivery_;
    std::function<void(const std::string&, const std::string&)> put_ = [](auto&, auto&) {};
};

/// The letters that wait.
Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit);

} // namespace fairlead::mail
