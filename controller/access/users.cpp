#include "controller/access/users.hpp"

#include "common/crypto/token.hpp"

#include <algorithm>

namespace fairlead::access {

#define FAIRLEAD_USER                                                                              \
    "SELECT id, email, name, password_hash, created_ms AS created, verified_ms AS verified,"       \
    " operator AS is_operator FROM app_user"

Result<std::string> normal_email(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    std::string email(text);
    for (char& c : email)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    auto at = email.find('@');
    bool plain = std::none_of(email.begin(), email.end(), [](unsigned char c) {
        return c <= ' ' || c == 0x7f || c == '"' || c == '<' || c == '>' || c == ',';
    });
    bool shaped = at != std::string::npos && at > 0 && at + 1 < email.size() &&
                  email.find('@', at + 1) == std::string::npos;
    if (!plain || !shaped || email.size() > 254)
        return fail(Error(
                        Errc::invalid,
                        "\"" + std::string(text.substr(0, 254)) + "\" is no e-mail address."
        )
                        .with_fields({{"email", "is no e-mail address"}}));
    return email;
}

Result<User> UserRepo::create(std::string_view email, std::string_view name, Timestamp now) {
    User user{UserId::make(now), std::string(email), std::string(name), "", now, {}, false};
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO app_user (id, email, name, password_hash, created_ms) VALUES ($1, $2, $3, '', "
        "$4)",
        user.id, user.email, user.name, user.created
    ));
    return user;
}

Result<std::optional<User>> UserRepo::find(const UserId& id) {
    return db_.one<User>(FAIRLEAD_USER " WHERE id = $1", id);
}

Result<std::optional<User>> UserRepo::by_email(std::string_view email) {
    return db_.one<User>(FAIRLEAD_USER " WHERE email = $1", email);
}

Result<std::vector<User>> UserRepo::list(std::string_view after, std::int64_t limit) {
    return db_.all<User>(FAIRLEAD_USER " WHERE email > $1 ORDER BY email LIMIT $2", after, limit);
}

Result<> UserRepo::set_password(const UserId& id, std::string_view hash) {
    FAIRLEAD_CHECK(db_.run("UPDATE app_user SET password_hash = $2 WHERE id = $1", id, hash));
    return {};
}

Result<> UserRepo::set_name(const UserId& id, std::string_view name) {
    FAIRLEAD_CHECK(db_.run("UPDATE app_user SET name = $2 WHERE id = $1", id, name));
    return {};
}

Result<> UserRepo::set_verified(const UserId& id, Timestamp now) {
    FAIRLEAD_CHECK(db_.run(
        "UPDATE app_user SET verified_ms = $2 WHERE id = $1 AND verified_ms IS NULL", id, now
    ));
    return {};
}

Result<> UserRepo::set_email(const UserId& id, std::string_view email) {
    FAIRLEAD_CHECK(db_.run("UPDATE app_user SET email = $2 WHERE id = $1", id, email));
    return {};
}

Result<> UserRepo::remove(const UserId& id) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM totp WHERE user_id = $1", id));
    FAIRLEAD_CHECK(db_.run("DELETE FROM recovery_code WHERE user_id = $1", id));
    FAIRLEAD_CHECK(db_.run("DELETE FROM challenge WHERE user_id = $1", id));
    FAIRLEAD_CHECK(db_.run("DELETE FROM setup_link WHERE user_id = $1", id));
    FAIRLEAD_CHECK(db_.run("DELETE FROM idempotency WHERE user_id = $1", id));
    FAIRLEAD_CHECK(db_.run("DELETE FROM app_user WHERE id = $1", id));
    return {};
}

Result<Secret> UserRepo::make_link(const UserId& id, Timestamp expires) {
    auto token = crypto::make_token(link_prefix);
    FAIRLEAD_CHECK(db_.run("DELETE FROM setup_link WHERE user_id = $1", id));
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO setup_link (token_hash, user_id, expires_ms) VALUES ($1, $2, $3)",
        crypto::token_hash(token.reveal()), id, expires
    ));
    return token;
}

Result<UserRepo::Link> UserRepo::find_link(std::string_view token, Timestamp now) {
    auto unknown = [] {
        return fail(Error(
                        Errc::not_found, "This link is not good any more: it was used, or it has "
                                         "run out. On the controller's machine, "
                                         "\"fairlead-controller init --relink\" prints a new one."
        )
                        .with_code("setup_link_invalid"));
    };
    if (!crypto::well_formed_token(link_prefix, token)) return unknown();
    FAIRLEAD_TRY(
        link, db_.one<Link>(
                  "SELECT user_id, expires_ms AS expires FROM setup_link WHERE token_hash = $1 AND "
                  "expires_ms > $2",
                  crypto::token_hash(token), now
              )
    );
    if (!link) return unknown();
    return *std::move(link);
}

Result<UserRepo::Link> UserRepo::take_link(std::string_view token, Timestamp now) {
    FAIRLEAD_TRY(link, find_link(token, now));
    FAIRLEAD_CHECK(db_.run("DELETE FROM setup_link WHERE user_id = $1", link.user_id));
    return link;
}

} // namespace fairlead::access
