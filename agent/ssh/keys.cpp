#include "agent/ssh/keys.hpp"

#include "agent/host/logins.hpp"
#include "agent/host/users.hpp"
#include "common/runtime/log.hpp"
#include "proto/codec.hpp"
#include "proto/ssh_key.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace fairlead::ssh {
namespace {

using journal::Work;

// The inventory has to fit into one message, with everything else in it.
constexpr std::size_t most_told_bytes = 256 << 10;

std::vector<std::string> fingerprints_of(const std::vector<proto::SshKey>& keys) {
    std::vector<std::string> all;
    for (const auto& key : keys)
        if (auto parsed = proto::parse_ssh_public_key(key.public_key))
            all.push_back(parsed->fingerprint);
    return all;
}

std::vector<std::string>
gone(const std::vector<proto::SshKey>& before, const std::vector<proto::SshKey>& after) {
    auto left = fingerprints_of(after);
    std::vector<std::string> all;
    for (auto& one : fingerprints_of(before))
        if (std::ranges::find(left, one) == left.end()) all.push_back(std::move(one));
    return all;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        auto word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        words.emplace_back(word);
    }
    return words;
}

std::string counted(std::size_t count, std::string_view one, std::string_view more) {
    return count == 1 ? std::string(one) : fmt::format("{} {}", count, more);
}

} // namespace

std::optional<uid_t> Keys::user_id(const std::string& name) const {
    if (parts_.user_id) return parts_.user_id(name);
    auto user = host::find_user(name);
    return user ? std::optional(user->uid) : std::nullopt;
}

/// With what the policy alone cannot know: who of them is root.
Result<> Keys::permit(const proto::SshKeysArgs& args) {
    auto uid = user_id(args.user);
    FAIRLEAD_TRY(policy, parts_.policy());
    FAIRLEAD_CHECK(policy.permit_ssh_keys(args.user, uid == 0));
    if (!uid && !args.keys.empty())
        return fail(Error(
                        Errc::not_found,
                        fmt::format("There is no Unix user {} on this server.", args.user)
        )
                        .with_code("no_such_user"));
    return {};
}

/// A list that came later stands already: then this one changes nothing.
Result<> Keys::put(Work& work, const proto::SshKeysArgs& args) {
    FAIRLEAD_TRY(lock, parts_.files.lock());
    FAIRLEAD_TRY(before, parts_.files.read(args.user));
    auto fence = work.operation().fence;
    if (before.fence > fence) {
        work.info("A later list of keys is in place already, so this one is left out.");
        return {};
    }
    // After a crash the file may hold the new list; what went is what was remembered first.
    if (!work.recall("gone")) work.remember("gone", joined(gone(before.keys, args.keys)));
    KeyList list;
    list.fence = fence;
    list.keys = args.keys;
    FAIRLEAD_CHECK(parts_.files.write(args.user, list));
    work.info(fmt::format(
        "{} let in as {}.", counted(args.keys.size(), "1 SSH key is", "SSH keys are"), args.user
    ));
    return {};
}

Result<> Keys::log_out(Work& work, const proto::SshKeysArgs& args) {
    auto fingerprints = split(work.recall("gone").value_or(""));
    FAIRLEAD_TRY(ended, parts_.sessions.end(args.user, fingerprints));
    if (ended > 0)
        work.info(fmt::format(
            "{} ended that had begun with a key that is gone.",
            counted(ended, "1 session was", "sessions were")
        ));
    return {};
}

Result<journal::Plan> Keys::plan(const proto::Operation& operation) {
    FAIRLEAD_TRY(args, proto::read<proto::SshKeysArgs>(operation.args));
    journal::Plan plan;
    plan.recovery = journal::Recovery::finish;
    plan.steps.push_back({"permit", "Ask the policy", [this, args](Work&) { return permit(args); }}
    );
    journal::Step sshd;
    sshd.name = "sshd";
    sshd.title = "Have sshd look at the keys";
    sshd.needed = [args](Work&) { return !args.keys.empty(); };
    sshd.act = [this, args](Work& work) -> Result<> {
        // The folder is there then, and nobody else writes what sshd reads.
        FAIRLEAD_TRY(lock, parts_.files.lock());
        FAIRLEAD_TRY(changed, parts_.sshd.look_at(parts_.files.place(), args.user));
        if (changed)
            work.info(
                fmt::format("sshd looks for keys in {} too, from now on.", parts_.files.place())
            );
        return {};
    };
    plan.steps.push_back(std::move(sshd));
    journal::Step proof;
    proof.name = "proof";
    proof.title = "See whether the new key works";
    proof.needed = [args](Work&) { return !args.proven.empty(); };
    proof.act = [this, args](Work&) -> Result<> {
        FAIRLEAD_TRY(used, parts_.sessions.was_used(args.user, args.proven));
        if (used) return {};
        return fail(
            Error(
                Errc::conflict,
                fmt::format(
                    "Nobody has logged in as {} with the key {} yet, so the old one stays. Log in "
                    "with the new key once, and try again. Or revoke the old key.",
                    args.user, args.proven
                )
            )
                .with_code("ssh_key_unproven")
        );
    };
    plan.steps.push_back(std::move(proof));
    journal::Step keys;
    keys.name = "keys";
    keys.title = "Put the keys in place";
    keys.last_call = true;
    keys.act = [this, args](Work& work) { return put(work, args); };
    plan.steps.push_back(std::move(keys));
    journal::Step sessions;
    sessions.name = "sessions";
    sessions.title = "Log out whoever came by a key that is gone";
    sessions.needed = [](Work& work) { return !work.recall("gone").value_or("").empty(); };
    sessions.act = [this, args](Work& work) { return log_out(work, args); };
    plan.steps.push_back(std::move(sessions));
    return plan;
}

Result<> Keys::take_away(const std::string& user) {
    FAIRLEAD_TRY(list, parts_.files.read(user));
    if (list.keys.empty()) return {};
    auto fingerprints = fingerprints_of(list.keys);
    list.keys.clear();
    // Before, because nobody knows the keys after a crash between; after, for who came meanwhile.
    (void)parts_.sessions.end(user, fingerprints);
    FAIRLEAD_CHECK(parts_.files.write(user, list));
    FAIRLEAD_CHECK(parts_.sessions.end(user, fingerprints));
    return {};
}

Result<> Keys::obey(const policy::Policy& policy) {
    FAIRLEAD_TRY(users, parts_.files.users());
    if (users.empty()) return {};
    FAIRLEAD_TRY(lock, parts_.files.lock());
    for (const auto& user : users) {
        if (policy.permit_ssh_keys(user, user_id(user) == 0)) continue;
        FAIRLEAD_TRY(list, parts_.files.read(user));
        if (list.keys.empty()) continue;
        log::warning(
            "SSH keys are taken away: the policy does not allow them any more", {{"user", user}}
        );
        FAIRLEAD_CHECK(take_away(user));
    }
    return {};
}

/// Why somebody who has a key here does not get in.
std::string Keys::trouble(const proto::SshState& state, const host::SshdSettings& general) {
    if (!general.takes_keys)
        return "sshd lets nobody in by a key: PubkeyAuthentication is \"no\" in its settings "
               "(/etc/ssh/sshd_config).";
    std::string last;
    for (const auto& key : state.keys) {
        if (key.user == last) continue;
        last = key.user;
        auto settings = parts_.sshd.settings(key.user);
        if (!settings) return settings.error().message();
        if (std::ranges::find(settings->key_files, parts_.files.place()) ==
            settings->key_files.end())
            return fmt::format(
                "sshd does not look at the keys that are kept for {}: add {} to the line "
                "AuthorizedKeysFile of its settings (/etc/ssh/sshd_config), and then: systemctl "
                "reload ssh",
                key.user, parts_.files.place()
            );
        if (user_id(key.user) == 0 && !settings->takes_root_keys)
            return "sshd does not let root in: PermitRootLogin is \"no\" in its settings "
                   "(/etc/ssh/sshd_config).";
    }
    return {};
}

/// Everything that the files hold, as far as one message has room for it.
std::vector<proto::SshKeyState> Keys::in_place() const {
    std::vector<proto::SshKeyState> all;
    std::size_t bytes = 0;
    for (const auto& user : parts_.files.users().value_or(std::vector<std::string>())) {
        auto list = parts_.files.read(user);
        if (!list) continue;
        for (auto& key : list->keys) {
            bytes += key.public_key.size() + 200;
            if (bytes > most_told_bytes) return all;
            proto::SshKeyState one;
            one.id = std::move(key.id);
            one.user = user;
            one.public_key = std::move(key.public_key);
            all.push_back(std::move(one));
        }
    }
    return all;
}

proto::SshState Keys::state() {
    proto::SshState state;
    auto policy = parts_.policy();
    if (policy) {
        if (auto obeyed = obey(*policy); !obeyed) {
            log::error("SSH keys could not be taken away", {{"why", obeyed.error().message()}});
            state.problem = obeyed.error().message();
        }
        auto wanted = [&](const host::Login& login) {
            return policy->permit_ssh_keys(login.name, login.uid == 0).has_value();
        };
        state.users = host::logins_among(policy->ssh_key_patterns(), wanted, proto::most_ssh_users);
    } else {
        // Nobody knows whether they may stay; what is there is told all the same.
        state.problem = policy.error().message();
    }
    state.keys = in_place();
    if (state.users.empty() && state.keys.empty()) return state;
    auto general = parts_.sshd.settings("");
    if (!general) {
        state.problem = general.error().message();
        return state;
    }
    if (!state.users.empty() && !general->ports.empty()) state.port = general->ports.front();
    if (state.problem.empty()) state.problem = trouble(state, *general);
    return state;
}

bool Keys::withdraw() {
    auto all = [&]() -> Result<> {
        FAIRLEAD_TRY(users, parts_.files.users());
        if (users.empty()) return {};
        {
            FAIRLEAD_TRY(lock, parts_.files.lock());
            for (const auto& user : users) FAIRLEAD_CHECK(take_away(user));
        }
        FAIRLEAD_CHECK(parts_.sshd.forget());
        log::warning("SSH keys were taken away: the controller has revoked this server");
        return parts_.files.remove_all();
    };
    auto done = all();
    if (!done) log::error("SSH keys could not be taken away", {{"why", done.error().message()}});
    return done.has_value();
}

} // namespace fairlead::ssh
