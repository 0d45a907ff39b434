#include "agent/host/sshd.hpp"

#include "common/runtime/file.hpp"
#include "common/runtime/lines.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

namespace fairlead::host {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t largest_settings = 1 << 20;
constexpr std::string_view setting = "authorizedkeysfile";

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        auto word = text.substr(0, text.find_first_of(" \t"));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (!word.empty()) words.emplace_back(word);
    }
    return words;
}

SshdSettings parse(std::string_view text) {
    SshdSettings settings;
    each_line(text, [&](std::string_view line) {
        auto name = line.substr(0, line.find(' '));
        auto value = line.substr(std::min(line.size(), name.size() + 1));
        if (name == setting) settings.key_files = words_of(value);
        if (name == "pubkeyauthentication") settings.takes_keys = value != "no";
        if (name == "permitrootlogin")
            settings.takes_root_keys = value != "no" && value != "forced-commands-only";
        std::uint16_t port = 0;
        if (name == "port" &&
            std::from_chars(value.data(), value.data() + value.size(), port).ec == std::errc())
            settings.ports.push_back(port);
    });
    return settings;
}

bool sets_key_files(std::string_view line) {
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    if (line.size() <= setting.size()) return false;
    bool named = std::ranges::equal(line.substr(0, setting.size()), setting, [](char c, char want) {
        return (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) == want;
    });
    char next = line[setting.size()];
    return named && (next == ' ' || next == '\t' || next == '=');
}

std::string last_line(std::string_view text) {
    std::string last;
    each_line(text, [&](std::string_view line) {
        if (!line.empty()) last = line;
    });
    return last.substr(0, 500);
}

tl::unexpected<Error> own_setting(const std::string& place) {
    return fail(Error(
                    Errc::conflict,
                    fmt::format(
                        "sshd does not look at the keys that Fairlead keeps, since this server's "
                        "own settings say where keys are. Add {} to the line AuthorizedKeysFile in "
                        "/etc/ssh/sshd_config (or where it stands), and then: systemctl reload ssh",
                        place
                    )
    )
                    .with_code("sshd_own_setting"));
}

} // namespace

Sshd::Sshd(SshdPlaces places, Runner runner)
    : places_(std::move(places)), run_(std::move(runner)) {}

bool Sshd::installed() const {
    return ::access(places_.program.c_str(), X_OK) == 0;
}

fs::path Sshd::drop_in() const {
    return places_.drop_ins / "00-fairlead.conf";
}

Result<std::string> Sshd::ask(std::vector<std::string> words) {
    if (!installed())
        return fail(Error(
                        Errc::not_found, "There is no sshd on this server. Install it: apt-get "
                                         "install openssh-server"
        )
                        .with_code("no_sshd"));
    Command command;
    command.argv = {places_.program, "-f", places_.settings.string()};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.deadline = 20s;
    FAIRLEAD_TRY(exit, run_(command));
    if (!exit.ok())
        return fail(Error(
                        Errc::invalid,
                        fmt::format(
                            "sshd does not say what it goes by: {}. Where it does not run, start "
                            "it: systemctl start ssh",
                            last_line(exit.output)
                        )
        )
                        .with_code("sshd_settings"));
    return exit.output;
}

Result<SshdSettings> Sshd::settings(const std::string& user) {
    std::vector<std::string> words{"-T"};
    if (!user.empty()) {
        words.emplace_back("-C");
        words.push_back("user=" + user + ",host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=22");
    }
    FAIRLEAD_TRY(text, ask(std::move(words)));
    return parse(text);
}

/// Match blocks count too: whoever has one knows what they want.
Result<bool> Sshd::has_own_line() {
    std::vector<fs::path> files{places_.settings};
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(places_.drop_ins, failed))
        if (entry.path().extension() == ".conf" && entry.path() != drop_in())
            files.push_back(entry.path());
    bool found = false;
    for (const auto& file : files) {
        auto text = read_file(file, largest_settings);
        if (!text && text.error().kind() == Errc::not_found) continue;
        if (!text) return fail(std::move(text).error());
        each_line(*text, [&](std::string_view line) { found = found || sets_key_files(line); });
    }
    return found;
}

Result<> Sshd::check_and_reload() {
    FAIRLEAD_CHECK(ask({"-t"}));
    Command command;
    command.argv = {
        "systemctl", "--no-ask-password", "--quiet", "try-reload-or-restart", places_.unit};
    FAIRLEAD_TRY(exit, run_(command));
    if (!exit.ok())
        return fail(
            Errc::unavailable,
            fmt::format("sshd could not be told of its new setting: {}", last_line(exit.output))
        );
    return {};
}

Result<bool> Sshd::look_at(const std::string& place, const std::string& user) {
    auto looks = [&]() -> Result<bool> {
        FAIRLEAD_TRY(now, settings(user));
        return std::ranges::find(now.key_files, place) != now.key_files.end();
    };
    FAIRLEAD_TRY(already, looks());
    if (already) return false;
    FAIRLEAD_TRY(own, has_own_line());
    if (own) return own_setting(place);
    FAIRLEAD_TRY(general, settings(""));
    std::string text = "# Fairlead keeps SSH keys at the last of these places. The others are what "
                       "counted before.\nAuthorizedKeysFile";
    for (const auto& file : general.key_files)
        if (file != "none" && file != place) text += " " + file;
    text += " " + place + "\n";
    FAIRLEAD_CHECK(write_file(drop_in(), text, 0644));
    auto done = looks();
    // No Include of the drop-ins, then.
    if (done && !*done) done = own_setting(place);
    if (done)
        if (auto reloaded = check_and_reload(); !reloaded) done = fail(reloaded.error());
    // Why it did not work says more than what may be wrong with taking it back.
    if (!done) (void)forget();
    return done;
}

Result<> Sshd::forget() {
    std::error_code failed;
    if (!fs::remove(drop_in(), failed)) return {};
    FAIRLEAD_CHECK(sync_folder(places_.drop_ins));
    return check_and_reload();
}

} // namespace fairlead::host
