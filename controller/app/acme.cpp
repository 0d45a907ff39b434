#include "controller/app/acme.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/x509_web.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/process.hpp"
#include "controller/app/outside.hpp"
#include "controller/certificates/uacme.hpp"
#include "controller/certificates/workplace.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <stdexcept>

namespace fairlead::app {
namespace {

constexpr std::string_view acme_program = "uacme";

Result<Secret> read_eab_key(const std::string& file) {
    FAIRLEAD_TRY(text, read_file(file, 4096));
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    Secret key(std::move(text));
    if (auto bytes = crypto::base64url_decode(key.reveal()); !bytes || bytes->empty())
        return fail(Errc::invalid, file + " must hold the key in base64url, and nothing else.");
    return key;
}

/// This program, which uacme runs as its hook. A package that was upgraded meanwhile has another
/// one in the same place.
std::string own_program() {
    auto path = std::filesystem::read_symlink("/proc/self/exe").string();
    constexpr std::string_view gone = " (deleted)";
    if (path.ends_with(gone)) path.resize(path.size() - gone.size());
    return path;
}

certificates::Challenges challenges_of(net::TlsServerContext& tls, const Clock& clock) {
    certificates::Challenges challenges;
    challenges.show =
        [&tls, &clock](const std::string& name, const crypto::Digest& authorization) -> Result<> {
        auto key = crypto::P256Key::generate();
        auto now = clock.now();
        constexpr auto day = std::chrono::hours(24);
        FAIRLEAD_TRY(
            pem, crypto::self_sign_challenge(key, name, authorization, {now - day, now + day})
        );
        return tls.set_challenge_for(name, pem, key.to_pem());
    };
    challenges.hide = [&tls](const std::string& name) { tls.remove_challenge_for(name); };
    return challenges;
}

} // namespace

std::unique_ptr<certificates::Client>
make_acme_client(const Settings& settings, net::TlsServerContext& tls, const Clock& clock) {
    if (!settings.acme) return nullptr;
    auto base = certificates::place_for_runs(settings.data);
    if (!base) throw std::runtime_error("acme: " + base.error().message());
    certificates::Uacme::Parts parts;
    parts.program = acme_program;
    parts.hook = own_program();
    parts.base = *base;
    parts.way = operators_way(settings);
    parts.challenges = challenges_of(tls, clock);
    if (settings.acme->eab_key_id && settings.acme->eab_key_file) {
        auto key = read_eab_key(*settings.acme->eab_key_file);
        if (!key) throw std::runtime_error("acme: eab_key_file: " + key.error().message());
        parts.external = certificates::ExternalAccount{*settings.acme->eab_key_id, std::move(*key)};
    }
    return std::make_unique<certificates::Uacme>(std::move(parts));
}

certificates::Faces faces_of(net::TlsServerContext& tls) {
    certificates::Faces faces;
    faces.show = [&tls](const std::string& name, const std::string& chain, const Secret& key) {
        return tls.set_certificate_for(name, chain, key);
    };
    faces.hide = [&tls](const std::string& name) { tls.remove_certificate_for(name); };
    return faces;
}

std::optional<certificates::Authority> acme_authority(const Settings& settings) {
    if (!settings.acme) return std::nullopt;
    return certificates::Authority{settings.acme->directory, settings.acme->contact};
}

std::vector<std::string> acme_surroundings(const Settings& settings) {
    std::vector<std::string> findings;
    if (!settings.acme) return findings;
    Command version;
    version.argv = {std::string(acme_program), "--version"};
    if (!run(version))
        findings.emplace_back("acme: uacme is not installed. Run: apt-get install uacme");
    if (settings.acme->eab_key_file)
        if (auto key = read_eab_key(*settings.acme->eab_key_file); !key)
            findings.push_back("acme: eab_key_file: " + key.error().message());
    auto place = certificates::place_of(settings.acme->directory);
    auto allow = load_exceptions(settings);
    if (settings.egress && place && allow && !allow->port(*place))
        findings.push_back(
            "acme: directory: the egress connects to port 443 alone. Add \"" + place->text() +
            "\" to `allow` in " + settings.egress->rules + "."
        );
    return findings;
}

double random_chance() {
    auto bytes = crypto::random_bytes(2);
    auto number = static_cast<unsigned char>(bytes[0]) * 256 + static_cast<unsigned char>(bytes[1]);
    return number / 65535.0;
}

} // namespace fairlead::app
