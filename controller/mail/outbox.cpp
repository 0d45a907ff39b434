#include "controller/mail/outbox.hpp"

#include "common/json/json.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace fairlead::mail {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t most_letters = 10'000;

struct Content {
    std::string subject;
    std::string text;
    std::string link;
};
BOOST_DESCRIBE_STRUCT(Content, (), (subject, text, link))

struct SealedMail {
    std::int64_t row = 0;
    MailId id;
    store::Blob sealed;
};
BOOST_DESCRIBE_STRUCT(SealedMail, (), (row, id, sealed))

std::string place_of(const MailId& id) {
    return "outgoing_mail/" + id.str();
}

} // namespace

#define FAIRLEAD_WAITING                                                                           \
    "SELECT id, kind, recipient, created_ms AS created, expires_ms AS expires, attempts, "         \
    "next_ms AS next, last_error FROM outgoing_mail"

std::chrono::seconds Outbox::pause_after(std::int64_t attempts) {
    static constexpr std::array pauses{30s, 60s, 120s, 300s, 600s, 1800s, 3600s};
    auto last = static_cast<std::int64_t>(pauses.size()) - 1;
    return pauses[static_cast<std::size_t>(std::clamp<std::int64_t>(attempts - 1, 0, last))];
}

Result<> Outbox::check_room(store::Connection& db) const {
    FAIRLEAD_TRY(count, db.one<std::int64_t>("SELECT COUNT(*) FROM outgoing_mail"));
    if (count.value() < most_letters) return {};
    return fail(Error(
                    Errc::unavailable, "Too many mails wait to be sent at this moment. Try again "
                                       "later."
    )
                    .with_fact("retry_after_s", "600"));
}

Result<> Outbox::put(store::UnitOfWork& unit, const Letter& letter, Timestamp now) {
    FAIRLEAD_CHECK(withdraw(unit, letter.kind, letter.to));
    if (delivery_ == Delivery::by_hand && letter.link.empty()) return {};
    FAIRLEAD_CHECK(check_room(unit.db()));
    auto id = MailId::make(now);
    Secret content(json::encode(Content{
        letter.subject, letter.text, std::string(letter.link.reveal())}));
    FAIRLEAD_CHECK(unit.db().run(
        "INSERT INTO outgoing_mail (id, kind, recipient, sealed, created_ms, expires_ms, attempts, "
        "next_ms, last_error) VALUES ($1, $2, $3, $4, $5, $6, 0, $5, '')",
        id, letter.kind, letter.to, store::Blob{keys_.seal(content, place_of(id))}, now,
        letter.expires
    ));
    unit.after_commit([this, kind = letter.kind, to = letter.to] { put_(kind, to); });
    return {};
}

Result<> Outbox::withdraw(store::UnitOfWork& unit, std::string_view kind, std::string_view to) {
    FAIRLEAD_CHECK(
        unit.db().run("DELETE FROM outgoing_mail WHERE recipient = $1 AND kind = $2", to, kind)
    );
    return {};
}

Result<std::vector<Waiting>>
Outbox::list(store::Connection& db, std::string_view before, std::int64_t limit) const {
    return db.all<Waiting>(
        FAIRLEAD_WAITING " WHERE $1 = '' OR id < $1 ORDER BY id DESC LIMIT $2", before, limit
    );
}

Result<std::optional<Secret>> Outbox::open(store::Connection& db, const MailId& id) const {
    FAIRLEAD_TRY(sealed, db.one<store::Blob>("SELECT sealed FROM outgoing_mail WHERE id = $1", id));
    if (!sealed) return std::optional<Secret>();
    FAIRLEAD_TRY(content, keys_.open(sealed->bytes, place_of(id)));
    return std::optional(std::move(content));
}

Result<std::optional<Secret>> Outbox::link_of(store::Connection& db, const MailId& id) const {
    if (delivery_ != Delivery::by_hand)
        throw std::logic_error("links of mails are shown to nobody but their recipients");
    FAIRLEAD_TRY(text, open(db, id));
    if (!text) return std::optional<Secret>();
    FAIRLEAD_TRY(content, json::decode<Content>(text->reveal(), json::Strictness::exact));
    return std::optional(Secret(std::move(content.link)));
}

Result<std::vector<Outbox::Due>> Outbox::due(Timestamp now, std::int64_t limit) const {
    return store_.read([&](store::Connection& db) -> Result<std::vector<Due>> {
        FAIRLEAD_TRY(
            mails, db.all<Waiting>(
                       FAIRLEAD_WAITING
                       " WHERE next_ms <= $1 AND expires_ms > $1 ORDER BY next_ms, id LIMIT $2",
                       now, limit
                   )
        );
        std::vector<Due> result;
        for (auto& mail : mails) {
            FAIRLEAD_TRY(text, open(db, mail.id));
            FAIRLEAD_TRY(content, json::decode<Content>(text->reveal(), json::Strictness::exact));
            Message message{
                mail.id.str(), mail.recipient, std::move(content.subject), std::move(content.text)};
            result.push_back({std::move(mail), std::move(message)});
        }
        return result;
    });
}

Result<> Outbox::sent(const MailId& id) {
    return store_.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(unit.db().run("DELETE FROM outgoing_mail WHERE id = $1", id));
        return {};
    });
}

Result<> Outbox::failed(const Waiting& mail, const Error& why, Timestamp now) {
    auto attempts = mail.attempts + 1;
    std::optional<Timestamp> next;
    if (why.kind() != Errc::invalid) next = now + pause_after(attempts);
    return store_.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(unit.db().run(
            "UPDATE outgoing_mail SET attempts = $2, next_ms = $3, last_error = $4 WHERE id = $1",
            mail.id, attempts, next, why.message().substr(0, 500)
        ));
        return {};
    });
}

Result<> Outbox::tidy(Timestamp now) {
    return store_.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(unit.db().run(
            "DELETE FROM outgoing_mail WHERE expires_ms <= $1 OR (next_ms IS NULL AND created_ms "
            "<= $2)",
            now, now - std::chrono::hours(24)
        ));
        return {};
    });
}

Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit) {
    auto one = [&](const SealedMail& mail) {
        auto put = [&](const store::Blob& now) {
            return db.run("UPDATE outgoing_mail SET sealed = $2 WHERE id = $1", mail.id, now);
        };
        return api::visit_one(visit, mail.sealed, place_of(mail.id), put);
    };
    return api::each_row<SealedMail>(
        db,
        "SELECT rowid AS row, id, sealed FROM outgoing_mail WHERE rowid > $1 ORDER BY rowid LIMIT "
        "$2",
        one
    );
}

} // namespace fairlead::mail
