#include "controller/app/certificates.hpp"

#include "common/runtime/file.hpp"
#include "common/runtime/log.hpp"

#include <algorithm>

namespace fairlead::app {
namespace {

constexpr std::size_t pem_limit = 64 * 1024;

std::vector<std::string> names_for(const Settings& settings) {
    std::vector<std::string> names{settings.name};
    names.insert(names.end(), settings.names.begin(), settings.names.end());
    if (auto endpoint = Endpoint::parse(settings.listen); endpoint && !endpoint->wildcard())
        names.push_back(endpoint->address);
    names.insert(names.end(), {"localhost", "127.0.0.1", "::1"});
    // The first stays first: it is the common name.
    std::vector<std::string> once;
    for (auto& name : names)
        if (std::find(once.begin(), once.end(), name) == once.end())
            once.push_back(std::move(name));
    return once;
}

} // namespace

Certificates::Certificates(const Parts& parts, std::string url)
    : parts_(parts), names_(names_for(parts.settings)) {
    face_.url = std::move(url);
}

Result<> Certificates::load_operators(install::Face& face) {
    FAIRLEAD_TRY(chain, read_file(parts_.settings.certificate->chain, pem_limit));
    if (chain == loaded_chain_) return {};
    FAIRLEAD_TRY(text, read_file(parts_.settings.certificate->key, pem_limit));
    Secret key(std::move(text));
    FAIRLEAD_CHECK(parts_.tls.set_certificate(chain, key));
    log::info("certificate loaded", {{"file", parts_.settings.certificate->chain}});
    loaded_chain_ = std::move(chain);
    face.pin.clear();
    face.ca_pem.clear();
    return {};
}

Result<> Certificates::refresh() {
    std::lock_guard held(lock_);
    FAIRLEAD_TRY(own, parts_.store.write([&](store::UnitOfWork& unit) {
        return parts_.authority.own(unit, names_);
    }));
    FAIRLEAD_TRY(accepted, parts_.store.read([&](store::Connection& db) {
        return parts_.authority.accepted(db);
    }));
    if (accepted != loaded_authorities_) {
        FAIRLEAD_CHECK(parts_.tls.set_agent_authorities(accepted));
        loaded_authorities_ = std::move(accepted);
    }
    if (parts_.settings.certificate) {
        // Agents know this authority and this key from their enrolment on; whatever browsers are
        // shown today or next year, no agent is lost by it.
        if (own.chain_pem != agents_chain_)
            FAIRLEAD_CHECK(parts_.tls.set_agents_certificate(own.chain_pem, own.key_pem));
        agents_chain_ = own.chain_pem;
        return load_operators(face_);
    }
    if (own.chain_pem == loaded_chain_) return {};
    FAIRLEAD_CHECK(parts_.tls.set_certificate(own.chain_pem, own.key_pem));
    log::info(
        "own certificate loaded",
        {{"not_after", to_rfc3339(own.not_after)}, {"pin", install::pin_of(own.spki_sha256)}}
    );
    loaded_chain_ = own.chain_pem;
    face_.pin = install::pin_of(own.spki_sha256);
    face_.ca_pem = own.ca_pem;
    return {};
}

install::Face Certificates::face() const {
    std::lock_guard held(lock_);
    return face_;
}

Result<std::vector<ServerId>> Certificates::strangers() {
    return parts_.store.read([&](store::Connection& db) { return parts_.authority.strangers(db); });
}

} // namespace fairlead::app
