#include "agent/deploy/exposure.hpp"

#include "agent/deploy/units.hpp"
#include "agent/host/files.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <charconv>

namespace fairlead::deploy {
namespace {

constexpr const char* file_name = "socket.conf";
constexpr std::string_view address = "127.0.0.1:";
constexpr std::size_t size_limit = 65536;

} // namespace

std::vector<std::pair<std::string, std::string>>
LocalPort::files(const proto::EnvironmentSpec& environment) const {
    return {
        {file_name,
         fmt::format("[Socket]\nListenStream=\nListenStream={}{}\n", address, environment.port)}};
}

std::vector<std::string> LocalPort::units(const Place& place) const {
    return {place.socket()};
}

Result<bool> LocalPort::stays_open(const Place& place, std::uint32_t number) const {
    auto before = read_file(place.current() / file_name, size_limit);
    FAIRLEAD_TRY(after, read_file(place.release(number) / file_name, size_limit));
    return before && *before == after;
}

Result<> LocalPort::attach(const Layout& layout, const Place& place) const {
    return follow_current(layout, place, place.socket(), file_name);
}

Result<> LocalPort::shut(host::Systemd& systemd, const Place& place) const {
    return systemd.stop({place.socket()});
}

Result<> LocalPort::detach(const Layout& layout, const Place& place) const {
    return host::remove_tree(place.drop_in(layout, place.socket()));
}

Result<std::uint16_t> LocalPort::port(const Place& place) const {
    FAIRLEAD_TRY(text, read_file(place.current() / file_name, size_limit));
    std::uint16_t port = 0;
    if (auto at = text.rfind(address); at != std::string::npos)
        std::from_chars(text.data() + at + address.size(), text.data() + text.size(), port);
    if (port == 0)
        return fail(
            Errc::internal, fmt::format("{} names no port.", (place.current() / file_name).string())
        );
    return port;
}

const Exposure& local_port() {
    static const LocalPort exposure;
    return exposure;
}

} // namespace fairlead::deploy
