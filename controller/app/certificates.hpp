/// Keeps TLS up to date: our own certificate, the operator's, and the authorities that agents may
/// be of.
#pragma once

#include "common/net/tls_context.hpp"
#include "common/store/store.hpp"
#include "controller/app/settings.hpp"
#include "controller/authority/authority.hpp"
#include "controller/install/face.hpp"

#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::app {

/// Thread-safe. refresh() blocks: worker threads, or before the start.
class Certificates {
public:
    struct Parts {
        const Settings& settings;
        store::Store& store;
        authority::Authority& authority;
        net::TlsServerContext& tls;
    };
    Certificates(const Parts& parts, std::string url);

    /// Makes, renews and loads what has changed. Errors leave what was loaded before.
    Result<> refresh();

    /// How the controller looks from outside.
    install::Face face() const;
    /// Servers that have not been told of an announced authority: they shall come back to hear of
    /// it.
    Result<std::vector<ServerId>> strangers();

private:
    Result<> load_operators(install::Face& face);

    Parts parts_;
    std::vector<std::string> names_;
    mutable std::mutex lock_;
    install::Face face_;
    std::string loaded_chain_;
    std::string agents_chain_; ///< where the operator's certificate is the loaded one
    std::vector<std::string> loaded_authorities_;
};

} // namespace fairlead::app
