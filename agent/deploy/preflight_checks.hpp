/// The checks of preflight.hpp, one member function each: those that look at the server are in
/// preflight_server.cpp, those that look at what is to be deployed in preflight_release.cpp.
#pragma once

#include "agent/deploy/preflight.hpp"
#include "agent/deploy/venv.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::deploy {

/// Sizes that disk and memory are judged by.
inline constexpr std::uint64_t mib = 1ULL << 20;
inline constexpr std::uint64_t disk_reserve = 256 * mib; ///< stays free whatever happens

/// One run. Later checks use what earlier ones found.
class Preflight {
public:
    Preflight(Site& site, const proto::EnvironmentSpec& environment, journal::Work& work)
        : site_(site), e_(environment), work_(work), place_(site.layout(), environment.slug) {}

    Result<proto::PreflightReport> run();

private:
    void
    add(std::string id, std::string title, proto::CheckResult result, std::string value,
        std::string need = {}, std::string remedy = {});

    void link();
    void memory();
    void ports();
    void firewall();
    void web_ports();
    void cloudflared();
    void postgresql();
    void dns();
    void repositories();
    void disk();
    void python();
    void integrity();

    Site& site_;
    const proto::EnvironmentSpec& e_;
    journal::Work& work_;
    Place place_;
    std::optional<EnvironmentRecord> record_;
    std::uint64_t tree_bytes_ = 0, database_bytes_ = 0;
    std::vector<proto::Commit> commits_;
    std::vector<std::pair<std::string, std::string>> requirement_files_;
    std::optional<Requirements> requirements_;
    proto::PreflightReport report_;
};

} // namespace fairlead::deploy
