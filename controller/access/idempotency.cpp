#include "controller/access/idempotency.hpp"

#include "common/crypto/hash.hpp"
#include "common/json/json.hpp"
#include "common/runtime/log.hpp"
#include "controller/access/challenges.hpp"
#include "controller/access/totp.hpp"

#include <algorithm>

namespace fairlead::access {
namespace {

constexpr std::size_t longest_key = 128;
constexpr std::size_t largest_answer = 256 * 1024;

struct Row {
    std::string request_hash;
    std::optional<store::Blob> answer;
};
BOOST_DESCRIBE_STRUCT(Row, (), (request_hash, answer))

struct Kept {
    int status = 0;
    std::string content_type;
    std::string location;
    std::string body;
};
BOOST_DESCRIBE_STRUCT(Kept, (), (status, content_type, location, body))

std::string hash_of(const api::Request& request) {
    crypto::Sha256 hash;
    for (auto part :
         {std::string_view(request.path), std::string_view(request.query),
          std::string_view(request.body)}) {
        hash.add(std::to_string(part.size()) + ":");
        hash.add(part);
    }
    return hash.finish().hex();
}

struct KeyOf {
    std::int64_t row = 0;
    std::string user_id;
    std::string request_key;
};
BOOST_DESCRIBE_STRUCT(KeyOf, (), (row, user_id, request_key))

/// A key is another caller than its maker, and than each other key: it may reach less.
std::string caller_id(const api::Principal& who) {
    return who.key ? who.key->str() : who.user.str();
}

std::string place_of(const std::string& user, std::string_view key) {
    return "idempotency/" + user + "/" + std::string(key);
}

bool is_key(std::string_view key) {
    return key.size() <= longest_key &&
           std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

tl::unexpected<Error> conflict(std::string sentence) {
    return fail(Error(Errc::conflict, std::move(sentence)).with_code("idempotency_conflict"));
}

api::Response restored(Kept kept) {
    api::Response response;
    response.status = kept.status;
    response.content_type = std::move(kept.content_type);
    response.body = std::move(kept.body);
    if (!kept.location.empty()) response.headers.emplace_back("Location", std::move(kept.location));
    response.headers.emplace_back("Idempotency-Replayed", "true");
    return response;
}

} // namespace

Result<std::optional<api::Response>>
Idempotency::begin(const api::Request& request, const api::Principal& who, std::string_view key) {
    if (!is_key(key))
        return fail(
            Error(Errc::invalid, "Idempotency-Key must have 1 to 128 visible ASCII characters.")
                .with_fields({{"Idempotency-Key", "must have 1 to 128 visible ASCII characters"}})
        );
    Place place{caller_id(who), std::string(key)};
    auto hash = hash_of(request);
    {
        std::lock_guard held(lock_);
        if (!working_.insert(place).second)
            return conflict("A request with this Idempotency-Key is being worked on at this "
                            "moment. Wait for its answer.");
    }
    auto release = [&] {
        std::lock_guard held(lock_);
        working_.erase(place);
    };
    try {
        auto row = store_.write([&](store::UnitOfWork& unit) -> Result<std::optional<Row>> {
            FAIRLEAD_CHECK(unit.db().run(
                "DELETE FROM idempotency WHERE user_id = $1 AND request_key = $2 AND created_ms <= "
                "$3",
                place.first, place.second, request.at - kept
            ));
            FAIRLEAD_TRY(
                taken, unit.db().run(
                           "INSERT INTO idempotency (user_id, request_key, request_hash, "
                           "created_ms) VALUES ($1, $2, $3, $4)"
                           " ON CONFLICT DO NOTHING",
                           place.first, place.second, hash, request.at
                       )
            );
            if (taken == 1) return std::optional<Row>();
            return unit.db().one<Row>(
                "SELECT request_hash, answer FROM idempotency WHERE user_id = $1 AND request_key = "
                "$2",
                place.first, place.second
            );
        });
        if (row && !*row)
            return std::optional<api::Response>(); // ours to work on; finish() releases it
        release();
        if (!row) return fail(std::move(row).error());
        if ((*row)->request_hash != hash)
            return conflict("This Idempotency-Key was used for another request within the last 24 "
                            "hours. Take a new one.");
        if (!(*row)->answer)
            return conflict("An earlier request with this Idempotency-Key was interrupted, and "
                            "nobody knows whether it took effect. "
                            "Look whether it did; if not, ask again with a new key.");
        FAIRLEAD_TRY(text, keys_.open((*row)->answer->bytes, place_of(place.first, key)));
        FAIRLEAD_TRY(answer, json::decode<Kept>(text.reveal(), json::Strictness::exact));
        return std::optional(restored(std::move(answer)));
    } catch (...) {
        release();
        throw;
    }
}

void Idempotency::finish(
    const api::Principal& who, std::string_view key, const api::Response* answer
) {
    Place place{caller_id(who), std::string(key)};
    std::optional<store::Blob> sealed;
    if (answer && answer->body.size() <= largest_answer) {
        Kept kept_answer{answer->status, answer->content_type, "", answer->body};
        for (const auto& [name, value] : answer->headers)
            if (name == "Location") kept_answer.location = value;
        sealed =
            store::Blob{keys_.seal(Secret(json::encode(kept_answer)), place_of(place.first, key))};
    }
    try {
        auto stored = store_.write([&](store::UnitOfWork& unit) -> Result<> {
            if (answer)
                FAIRLEAD_CHECK(unit.db().run(
                    "UPDATE idempotency SET answer = $3 WHERE user_id = $1 AND request_key = $2",
                    place.first, place.second, sealed
                ));
            else
                FAIRLEAD_CHECK(unit.db().run(
                    "DELETE FROM idempotency WHERE user_id = $1 AND request_key = $2", place.first,
                    place.second
                ));
            return {};
        });
        if (!stored)
            log::warning(
                "an answer could not be kept for its idempotency key",
                {{"reason", stored.error().message()}}
            );
    } catch (const std::exception& failed) {
        log::warning(
            "an answer could not be kept for its idempotency key", {{"reason", failed.what()}}
        );
    }
    std::lock_guard held(lock_);
    working_.erase(place);
}

Result<> Idempotency::tidy(Timestamp now) {
    return store_.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(unit.db().run("DELETE FROM idempotency WHERE created_ms <= $1", now - kept));
        return {};
    });
}

Result<> visit_sealed(store::Connection& db, const api::SealedVisitor& visit) {
    FAIRLEAD_CHECK(api::each_row<KeyOf>(
        db,
        "SELECT rowid AS row, user_id, request_key FROM idempotency WHERE answer IS NOT NULL AND "
        "rowid > $1 ORDER BY rowid LIMIT $2",
        [&](const KeyOf& key) -> Result<> {
            // One after the other: all answers of a page together may be large.
            FAIRLEAD_TRY(
                sealed,
                db.one<store::Blob>(
                    "SELECT answer FROM idempotency WHERE user_id = $1 AND request_key = $2",
                    key.user_id, key.request_key
                )
            );
            auto put = [&](const store::Blob& now) {
                return db.run(
                    "UPDATE idempotency SET answer = $3 WHERE user_id = $1 AND request_key = $2",
                    key.user_id, key.request_key, now
                );
            };
            return api::visit_one(visit, *sealed, place_of(key.user_id, key.request_key), put);
        }
    ));
    FAIRLEAD_CHECK(visit_challenges(db, visit));
    return visit_totp(db, visit);
}

} // namespace fairlead::access
