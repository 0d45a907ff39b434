// What the arguments of SSH keys may look like.
#include "agent/policy/shape.hpp"
#include "agent/policy/text.hpp"
#include "proto/ssh_key.hpp"
#include "proto/unix_name.hpp"

#include <set>

namespace fairlead::policy {

Result<> check(const proto::SshKeysArgs& args) {
    if (!proto::is_unix_name(args.user))
        return wrong("Unix user", args.user, "names of at most 32 of a-z A-Z 0-9 _ . - are");
    if (args.keys.size() > proto::most_ssh_keys)
        return fail(
            Errc::invalid, fmt::format("A user has at most {} SSH keys.", proto::most_ssh_keys)
        );
    std::set<std::string_view> ids;
    for (const auto& key : args.keys) {
        FAIRLEAD_CHECK(check_id(key.id, "sshk_"));
        if (!ids.insert(key.id).second) return wrong("SSH key", key.id, "each comes once");
        auto parsed = proto::parse_ssh_public_key(key.public_key);
        if (!parsed)
            return fail(
                Errc::invalid, fmt::format("The key {} {}.", key.id, parsed.error().message())
            );
        // As it stands here it goes into the file: no options, no comment, no second line.
        if (parsed->line() != key.public_key)
            return fail(
                Errc::invalid, fmt::format("The key {} is more than its type and body.", key.id)
            );
    }
    constexpr std::string_view kind = "SHA256:";
    bool print = args.proven.empty() ||
                 (args.proven.starts_with(kind) && args.proven.size() == kind.size() + 43 &&
                  all(std::string_view(args.proven).substr(kind.size()),
                      [](char c) { return alnum(c) || one_of(c, "+/"); }));
    if (!print) return wrong("fingerprint", args.proven, "SHA256: and 43 characters are");
    return {};
}

} // namespace fairlead::policy
