#include "controller/access/passwords.hpp"

#include "controller/api/checks.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace fairlead::access {
namespace {

constexpr std::size_t least_characters = 12;
constexpr std::size_t most_bytes = 1024;

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

// What leaked lists have most often among passwords of 12 characters and more, beside what the
// rules below find.
constexpr std::array common{
    "1q2w3e4r5t6y",     "qwertyuiop12",     "qwertyuiop123",
    "1qaz2wsx3edc",     "1qaz2wsx3edc4rfv", "zaq12wsxcde3",
    "q1w2e3r4t5y6",     "qazwsxedcrfv",     "zxcvbnmasdfghjkl",
    "asdfghjkl123",     "password1234",     "password12345",
    "password123456",   "passwordpassword", "password2023",
    "password2024",     "password2025",     "password2026",
    "p@ssword1234",     "p@ssw0rd1234",     "passw0rd1234",
    "passw0rd123!",     "p@ssw0rd123!",     "password123!",
    "changeme1234",     "changemeplease",   "changemechangeme",
    "letmeinplease",    "letmeinletmein",   "administrator",
    "administrator1",   "adminadminadmin",  "admin1234567",
    "admin12345678",    "adminpassword",    "administrador",
    "rootpassword",     "rootrootroot",     "welcome12345",
    "welcome123456",    "welcome2024!",     "welcome2025!",
    "iloveyou1234",     "iloveyouforever",  "iloveyousomuch",
    "mynameis1234",     "unbelievable",     "manchester123",
    "manchesterunited", "chelseafootball",  "liverpoolfc1",
    "christopher1",     "thisismypassword", "correcthorsebatterystaple",
    "trustno1trustno1", "supersecret123",   "mysecretpassword",
    "secretpassword",   "superman1234",     "batmanbatman",
    "dragondragon",     "monkeymonkey",     "sunshine1234",
    "princess1234",     "football1234",     "baseball1234",
    "starwars1234",     "computer1234",     "internet1234",
    "whatever1234",     "qwerty123456",     "qwerty1234567",
    "qwerty12345678",   "abc123456789",     "abcd12345678",
    "abcdefg12345",     "a1b2c3d4e5f6",     "1a2b3c4d5e6f",
    "aa1234567890",     "azertyuiop123",    "azertyuiop12",
    "motdepasse123",    "contraseña123",    "passwort1234",
    "passwort12345",    "wachtwoord123",    "fairlead1234",
    "odooodooodoo",     "odoo12345678",     "odooadmin123",
    "openerp12345",
};

/// One character or a short word again and again: "aaaaaaaaaaaa", "abcabcabcabc".
bool repeats(std::string_view text) {
    for (std::size_t period = 1; period <= 4; ++period)
        if (std::equal(
                text.begin() + static_cast<std::ptrdiff_t>(period), text.end(), text.begin()
            ))
            return true;
    return false;
}

/// A run along the alphabet, the digits or a row of keys, in either direction.
bool runs(std::string_view text) {
    static const std::array<std::string, 4> rows{
        "01234567890123456789012345678901234567890",
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
        "qwertyuiopasdfghjklzxcvbnmqwertyuiop", "qwertzuiopasdfghjklyxcvbnmqwertzuiop"};
    std::string backwards(text.rbegin(), text.rend());
    return std::any_of(rows.begin(), rows.end(), [&](const std::string& row) {
        return row.find(text) != std::string::npos || row.find(backwards) != std::string::npos;
    });
}

bool is_common(std::string_view text) {
    return repeats(text) || runs(text) ||
           std::find(common.begin(), common.end(), text) != common.end();
}

} // namespace

Result<>
check_new_password(std::string_view field, const Secret& password, std::string_view email) {
    api::Checks checks;
    auto characters = api::utf8_length(password.reveal());
    auto plain = lower(password.reveal());
    if (characters == std::string_view::npos)
        checks.wrong(field, "is not valid UTF-8");
    else if (characters < least_characters)
        checks.wrong(field, "must have at least 12 characters");
    else if (password.reveal().size() > most_bytes)
        checks.wrong(field, "must have at most 1024 bytes");
    else if (plain == lower(email))
        checks.wrong(field, "must not be the e-mail address");
    else if (is_common(plain))
        checks.wrong(
            field, "is one of those that are tried first; choose another, such as four words that "
                   "have nothing to do with each other"
        );
    wipe(plain);
    return checks.result();
}

class PasswordHasher::Turn {
public:
    explicit Turn(PasswordHasher& hasher)
        : hasher_(hasher), got_(hasher.turns_.try_acquire_for(std::chrono::seconds(10))) {}
    ~Turn() {
        if (got_) hasher_.turns_.release();
    }
    Turn(const Turn&) = delete;

    Result<> check() const {
        if (got_) return {};
        return fail(Error(
                        Errc::unavailable,
                        "Too many people are signing in at this moment. Try again in a few seconds."
        )
                        .with_fact("retry_after_s", "5"));
    }

private:
    PasswordHasher& hasher_;
    bool got_;
};

Result<std::string> PasswordHasher::hash(const Secret& password) {
    Turn turn(*this);
    FAIRLEAD_CHECK(turn.check());
    return crypto::hash_password(password, cost_);
}

Result<bool> PasswordHasher::verify(std::string_view hash, const Secret& password) {
    Turn turn(*this);
    FAIRLEAD_CHECK(turn.check());
    if (!hash.empty()) return crypto::verify_password(hash, password);
    (void)crypto::hash_password(password, cost_);
    return false;
}

} // namespace fairlead::access
