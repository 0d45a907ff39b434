#include "agent/update/release.hpp"

#include "common/crypto/encoding.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::update {
namespace {

// RFC 8410: what stands before the 32 bytes of an Ed25519 key.
constexpr std::string_view before_key("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);

tl::unexpected<Error> refused(std::string code, std::string message) {
    return fail(Error(Errc::forbidden, std::move(message)).with_code(std::move(code)));
}

} // namespace

Result<crypto::VerifyKey> parse_release_key(std::string_view pem) {
    constexpr std::string_view begin = "-----BEGIN PUBLIC KEY-----";
    auto wrong = [] { return fail(Errc::invalid, "It is no Ed25519 key in PEM."); };
    auto at = pem.find(begin);
    if (at == std::string_view::npos) return wrong();
    std::string body;
    for (char c : pem.substr(at + begin.size())) {
        if (c == '-') break;
        if (c != '\n' && c != '\r') body += c;
    }
    auto bytes = crypto::base64_decode(body);
    if (!bytes || !bytes->starts_with(before_key)) return wrong();
    return crypto::VerifyKey::from_bytes(std::string_view(*bytes).substr(before_key.size()));
}

Result<std::string>
signed_sum(const proto::AgentUpdateArgs& args, const std::filesystem::path& key_file) {
    auto pem = read_file(key_file, 4096);
    auto key = pem ? parse_release_key(*pem) : Result<crypto::VerifyKey>(fail(pem.error()));
    if (!key)
        return refused(
            "update_signature",
            fmt::format(
                "The release key of this agent, {}, cannot be read, so nothing can be held against "
                "it: {} Install the agent's package again by hand.",
                key_file.string(), key.error().message()
            )
        );
    auto signature = crypto::base64_decode(args.signature);
    if (!signature || !key->verify(args.sums, *signature))
        return refused(
            "update_signature",
            fmt::format(
                "The signature of {} is not the release key's: the package was altered, or is of "
                "another release than this agent. Nothing was fetched or changed. Tell the "
                "controller's administrator.",
                args.package
            )
        );
    std::string_view rest = args.sums;
    while (!rest.empty()) {
        auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        // 64 hexadecimal digits, a space, a space or an asterisk, the name.
        if (line.size() > 66 && line.substr(66) == args.package)
            return std::string(line.substr(0, 64));
    }
    return refused(
        "update_not_listed",
        fmt::format("The signed checksums do not name {}: nothing was changed.", args.package)
    );
}

} // namespace fairlead::update
