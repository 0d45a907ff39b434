#include "controller/egress/settings.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace fairlead::egress {

using namespace std::chrono_literals;

Result<Settings> load_settings(const std::filesystem::path& file) {
    FAIRLEAD_TRY(settings, config::load<Settings>(file));
    auto wrong = [&](std::string_view sentence) {
        return fail(Errc::invalid, file.string() + ": " + std::string(sentence));
    };
    if (!settings.socket.starts_with('/') ||
        settings.socket.size() >= sizeof(sockaddr_un::sun_path))
        return wrong("socket: must be an absolute path of at most 107 characters.");
    if (settings.controller.empty()) return wrong("controller: must name a user.");
    if (settings.connections < 1 || settings.connections > 1024)
        return wrong("connections: must be from 1 to 1024.");
    if (settings.idle < 1s || settings.idle > 3600s) return wrong("idle: must be from 1s to 1h.");
    if (settings.life < 1s || settings.life > 24h) return wrong("life: must be from 1s to 24h.");
    if (settings.mebibytes < 1 || settings.mebibytes > 1024 * 1024)
        return wrong("mebibytes: must be from 1 to 1048576.");
    if (auto allow = Allow::parse(settings.allow); !allow)
        return wrong("allow: " + allow.error().message());
    if (settings.smtp) {
        auto place = parse_place(*settings.smtp);
        if (!place) return wrong("smtp: " + place.error().message());
        if (!settings.smtp->ends_with(":" + std::to_string(place->port)))
            return wrong("smtp: must name the port too, such as smtp.example.org:587.");
    }
    return settings;
}

Result<> check_owner(const std::filesystem::path& file) {
    struct stat facts {};
    if (::stat(file.c_str(), &facts) != 0)
        return fail(Errc::not_found, file.string() + ": " + std::strerror(errno) + ".");
    bool ours = facts.st_uid == 0 || facts.st_uid == ::geteuid();
    if (ours && (facts.st_mode & (S_IWGRP | S_IWOTH)) == 0) return {};
    return fail(
        Errc::forbidden, file.string() +
                             " can be changed by others. It must be root's: chown root " +
                             file.string() + " && chmod 0644 " + file.string()
    );
}

Result<unsigned> controller_user(const Settings& settings) {
    const auto& name = settings.controller;
    unsigned number = 0;
    auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (failed == std::errc() && end == name.data() + name.size()) return number;
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> text(16 * 1024);
    ::getpwnam_r(name.c_str(), &entry, text.data(), text.size(), &found);
    if (found) return static_cast<unsigned>(entry.pw_uid);
    return fail(
        Errc::not_found,
        "controller: there is no user " + name + ". Name the user who runs fairlead-controller."
    );
}

} // namespace fairlead::egress
