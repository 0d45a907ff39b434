#include "controller/access/recovery_codes.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"

#include <string>

namespace fairlead::access {
namespace {

constexpr std::size_t random_size = 10; // 16 characters of base 32

std::string normal(std::string_view typed) {
    std::string code;
    for (char c : typed.substr(0, 64)) {
        if (c == '-' || c == ' ') continue;
        code.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    }
    return code;
}

/// With the person in it, so that nobody tries one code on all of a stolen table.
std::string hash_of(const UserId& user, std::string_view code) {
    return crypto::sha256("recovery_code/" + user.str() + "/" + std::string(code)).hex();
}

} // namespace

Result<std::vector<Secret>> RecoveryCodes::make(const UserId& user) {
    FAIRLEAD_CHECK(remove(user));
    std::vector<Secret> codes;
    for (std::size_t i = 0; i < count; ++i) {
        auto code = normal(crypto::base32_encode(crypto::random_secret(random_size).reveal()));
        FAIRLEAD_CHECK(db_.run(
            "INSERT INTO recovery_code (user_id, code_hash) VALUES ($1, $2)", user,
            hash_of(user, code)
        ));
        for (std::size_t at : {12u, 8u, 4u}) code.insert(at, 1, '-');
        codes.emplace_back(std::move(code));
    }
    return codes;
}

Result<bool> RecoveryCodes::use(const UserId& user, std::string_view code, Timestamp now) {
    FAIRLEAD_TRY(
        used, db_.run(
                  "UPDATE recovery_code SET used_ms = $3 WHERE user_id = $1 AND code_hash = $2 AND "
                  "used_ms IS NULL",
                  user, hash_of(user, normal(code)), now
              )
    );
    return used == 1;
}

Result<std::int64_t> RecoveryCodes::left(const UserId& user) {
    FAIRLEAD_TRY(
        unused,
        db_.one<std::int64_t>(
            "SELECT count(*) FROM recovery_code WHERE user_id = $1 AND used_ms IS NULL", user
        )
    );
    return unused.value_or(0);
}

Result<> RecoveryCodes::remove(const UserId& user) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM recovery_code WHERE user_id = $1", user));
    return {};
}

} // namespace fairlead::access
