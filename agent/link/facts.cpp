#include "agent/link/facts.hpp"

#include "common/runtime/file.hpp"
#include "common/runtime/lines.hpp"
#include "common/runtime/loopback.hpp"
#include "common/runtime/process.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string_view>

namespace fairlead::link {

namespace {

constexpr const char* data_folder = "/var/lib/fairlead";
constexpr std::string_view odoo_unit = "fairlead-odoo@";
constexpr std::string_view connector_unit = "fairlead-cloudflared@";

std::string text_of(const char* file) {
    return read_file(file, 256 * 1024).value_or("");
}

/// "KEY=value" or "Key:   value kB" lines.
std::map<std::string, std::string> pairs_of(const std::string& text, char separator) {
    std::map<std::string, std::string> pairs;
    each_line(text, [&](std::string_view line) {
        auto at = line.find(separator);
        if (at == std::string_view::npos) return;
        std::string value(line.substr(at + 1));
        value.erase(0, value.find_first_not_of(" \t\""));
        value.erase(value.find_last_not_of(" \t\"") + 1);
        std::string key(line.substr(0, at));
        key.erase(key.find_last_not_of(" \t") + 1);
        pairs.emplace(std::move(key), std::move(value));
    });
    return pairs;
}

std::uint64_t kilobytes(const std::map<std::string, std::string>& memory, const char* name) {
    auto found = memory.find(name);
    return found == memory.end() ? 0 : std::strtoull(found->second.c_str(), nullptr, 10) * 1024;
}

std::string at(const std::map<std::string, std::string>& pairs, const char* name) {
    auto found = pairs.find(name);
    return found == pairs.end() ? "" : found->second;
}

std::vector<std::string> addresses() {
    std::vector<std::string> list;
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return list;
    for (auto* one = all; one && list.size() < 16; one = one->ifa_next) {
        if (!one->ifa_addr || (one->ifa_flags & IFF_LOOPBACK) || !(one->ifa_flags & IFF_UP))
            continue;
        char text[INET6_ADDRSTRLEN] = {};
        if (one->ifa_addr->sa_family == AF_INET)
            ::inet_ntop(
                AF_INET, &reinterpret_cast<sockaddr_in*>(one->ifa_addr)->sin_addr, text, sizeof text
            );
        else if (one->ifa_addr->sa_family == AF_INET6)
            ::inet_ntop(
                AF_INET6, &reinterpret_cast<sockaddr_in6*>(one->ifa_addr)->sin6_addr, text,
                sizeof text
            );
        std::string found = text;
        if (!found.empty() && !found.starts_with("fe80:")) list.push_back(std::move(found));
    }
    ::freeifaddrs(all);
    return list;
}

std::string postgresql_version() {
    std::string newest;
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", failed)) {
        std::error_code ignored;
        auto name = entry.path().filename().string();
        if (!std::filesystem::exists(entry.path() / "bin" / "postgres", ignored)) continue;
        if (newest.empty() || std::atoi(name.c_str()) > std::atoi(newest.c_str())) newest = name;
    }
    return newest;
}

std::string state_from(const std::string& active) {
    if (active == "active" || active == "reloading") return "running";
    if (active == "activating") return "starting";
    if (active == "failed") return "failed";
    return "stopped";
}

std::string slug_of(const std::string& id, std::string_view kind) {
    auto slug = id.substr(kind.size());
    return slug.substr(0, slug.rfind(".service"));
}

/// The word of a connector that runs. Its unit says on which port it answers
/// (agent/deploy/cloudflared.hpp).
std::string ask_connector(const std::string& environment) {
    constexpr std::string_view name = "CONNECTOR_PORT=";
    auto at = environment.find(name);
    auto port = at == std::string::npos
                    ? 0
                    : std::strtoul(environment.c_str() + at + name.size(), nullptr, 10);
    if (port == 0 || port > 65535) return "disconnected";
    auto answer = loopback_get(
        "127.0.0.2", static_cast<std::uint16_t>(port), "/ready", std::chrono::milliseconds(500)
    );
    return answer && answer->status == 200 ? "connected" : "disconnected";
}

} // namespace

void take_units(proto::Facts& facts, const std::string& shown, const ConnectorAnswer& ask) {
    std::string id, active, environment;
    std::map<std::string, std::string> connectors;
    auto unit_done = [&] {
        if (id.starts_with(odoo_unit))
            facts.environments.push_back({slug_of(id, odoo_unit), state_from(active)});
        else if (id.starts_with(connector_unit))
            connectors[slug_of(id, connector_unit)] =
                active == "active" ? ask(environment) : "disconnected";
        else if (id.starts_with("postgresql@") && active == "active")
            facts.postgresql.running = true;
        id.clear();
        active.clear();
        environment.clear();
    };
    each_line(shown, [&](std::string_view line) {
        if (line.empty()) unit_done();
        if (line.starts_with("Id=")) id = line.substr(3);
        if (line.starts_with("ActiveState=")) active = line.substr(12);
        if (line.starts_with("Environment=")) environment = line.substr(12);
    });
    unit_done();
    for (auto& one : facts.environments)
        if (auto found = connectors.find(one.slug); found != connectors.end())
            one.connector = found->second;
}

namespace {

/// Environments by their names: a pattern finds no unit that systemd has forgotten, which it does
/// with what was stopped.
std::vector<std::string> odoo_units() {
    constexpr std::size_t most = 200;
    std::vector<std::string> units;
    std::error_code failed;
    auto folder = std::filesystem::path(data_folder) / "environments";
    for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
        auto slug = entry.path().filename().string();
        bool plain = slug.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == slug.npos;
        if (plain && units.size() < most)
            units.push_back(std::string(odoo_unit) + slug + ".service");
    }
    return units;
}

/// One call for all units that matter: environments, connectors and database clusters.
void read_units(proto::Facts& facts) {
    Command show;
    show.argv = {
        "systemctl", "show", "--property=Id,ActiveState,Environment",
        "fairlead-cloudflared@*.service", "postgresql@*.service"};
    for (auto& unit : odoo_units()) show.argv.push_back(std::move(unit));
    show.deadline = std::chrono::seconds(5);
    show.output_limit = 256 * 1024;
    auto ended = run(show);
    if (ended && ended->ok()) take_units(facts, ended->output, &ask_connector);
}

} // namespace

proto::Facts FactsReader::read(std::int64_t now_ms) {
    proto::Facts facts;
    facts.at_ms = now_ms;
    facts.agent_version = version_;

    utsname names{};
    if (::uname(&names) == 0) {
        facts.hostname = names.nodename;
        facts.arch = names.machine;
        facts.kernel = names.release;
    }
    auto os = pairs_of(text_of("/etc/os-release"), '=');
    facts.os.id = at(os, "ID");
    facts.os.version = at(os, "VERSION_ID");
    facts.os.pretty = at(os, "PRETTY_NAME");
    facts.uptime_s = std::strtoull(text_of("/proc/uptime").c_str(), nullptr, 10);

    facts.cpu.model = at(pairs_of(text_of("/proc/cpuinfo"), ':'), "model name");
    facts.cpu.cores = static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_ONLN));
    auto stat = text_of("/proc/stat"); // "cpu  1 2 3 …"
    std::uint64_t total = 0, idle = 0;
    auto* next = stat.data() + std::min(stat.find(' '), stat.size());
    for (int i = 0; i < 8; ++i) {
        auto value = std::strtoull(next, &next, 10);
        total += value;
        if (i == 3 || i == 4) idle += value;
    }
    if (total > total_ && total_ > 0) {
        auto busy = total - idle;
        facts.cpu.used_percent =
            100.0 * static_cast<double>(busy - busy_) / static_cast<double>(total - total_);
    }
    total_ = total;
    busy_ = total - idle;

    auto memory = pairs_of(text_of("/proc/meminfo"), ':');
    facts.memory.total_bytes = kilobytes(memory, "MemTotal");
    auto available = kilobytes(memory, "MemAvailable");
    facts.memory.used_bytes =
        facts.memory.total_bytes > available ? facts.memory.total_bytes - available : 0;

    facts.disk.path = std::filesystem::exists(data_folder) ? data_folder : "/";
    struct statvfs disk {};
    if (::statvfs(facts.disk.path.c_str(), &disk) == 0) {
        facts.disk.total_bytes = static_cast<std::uint64_t>(disk.f_blocks) * disk.f_frsize;
        facts.disk.free_bytes = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
    }
    double load[3];
    if (::getloadavg(load, 3) == 3) facts.load = {load[0], load[1], load[2]};
    facts.addresses = addresses();
    facts.postgresql.version = postgresql_version();
    facts.postgresql.installed = !facts.postgresql.version.empty();
    read_units(facts);
    return facts;
}

} // namespace fairlead::link
