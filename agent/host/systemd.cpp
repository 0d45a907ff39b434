#include "agent/host/systemd.hpp"

#include <charconv>

namespace fairlead::host {
namespace {

using namespace std::chrono_literals;

Result<> systemctl(std::vector<std::string> words, std::chrono::seconds deadline = 90s) {
    Command command;
    command.argv = {"systemctl", "--no-ask-password", "--quiet"};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.deadline = deadline;
    FAIRLEAD_CHECK(run_ok(command));
    return {};
}

Result<> systemctl_each(
    std::string verb, const std::vector<std::string>& units, std::chrono::seconds deadline = 90s
) {
    std::vector<std::string> words{std::move(verb)};
    words.insert(words.end(), units.begin(), units.end());
    return systemctl(std::move(words), deadline);
}

int number(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

void take(UnitState& state, std::string_view key, std::string_view value) {
    if (key == "ActiveState") state.active = value;
    if (key == "SubState") state.sub = value;
    if (key == "UnitFileState") state.file_state = value;
    if (key == "Result") state.result = value;
    if (key == "StatusText") state.status = value;
    if (key == "MainPID") state.main_pid = number(value);
    if (key == "NRestarts") state.restarts = number(value);
    if (key == "ExecMainStatus") state.exit_status = number(value);
}

} // namespace

Result<> Systemd::reload() {
    return systemctl({"daemon-reload"});
}

Result<> Systemd::start(const std::vector<std::string>& units) {
    return systemctl_each("start", units);
}

Result<> Systemd::start_soon(const std::string& unit) {
    return systemctl({"start", "--no-block", unit});
}

Result<> Systemd::restart(const std::string& unit) {
    return systemctl({"restart", unit}, 150s);
}

Result<> Systemd::enable(const std::vector<std::string>& units) {
    return systemctl_each("enable", units);
}

Result<> Systemd::stop(const std::vector<std::string>& units, std::chrono::seconds limit) {
    // One by one and in order: a socket first, so that it does not start its service again.
    for (const auto& unit : units) {
        FAIRLEAD_TRY(before, state(unit));
        if (before.active == "inactive" || before.active.empty()) continue;
        if (auto stopped = systemctl({"stop", unit}, limit); !stopped) {
            (void)systemctl({"kill", "--signal=SIGKILL", unit});
            FAIRLEAD_CHECK(systemctl({"stop", unit}, limit));
        }
    }
    return {};
}

Result<> Systemd::disable(const std::vector<std::string>& units) {
    for (const auto& unit : units) {
        FAIRLEAD_TRY(before, state(unit));
        if (before.enabled()) FAIRLEAD_CHECK(systemctl({"disable", unit}));
    }
    return {};
}

Result<> Systemd::mask_for_now(const std::string& unit) {
    return systemctl({"mask", "--runtime", unit});
}

Result<> Systemd::unmask(const std::string& unit) {
    return systemctl({"unmask", "--runtime", unit});
}

void Systemd::kill(const std::string& unit) {
    (void)systemctl({"kill", "--signal=SIGKILL", unit});
}

void Systemd::reset_failed(const std::string& unit) {
    (void)systemctl({"reset-failed", unit});
}

Result<UnitState> Systemd::state(const std::string& unit) {
    FAIRLEAD_TRY(found, states({unit}));
    return found.empty() ? UnitState() : found.front();
}

Result<std::vector<UnitState>> Systemd::states(const std::vector<std::string>& units) {
    if (units.empty()) return std::vector<UnitState>();
    Command command;
    command.argv = {
        "systemctl", "show", "--no-pager",
        "--property=ActiveState,SubState,UnitFileState,Result,StatusText,MainPID,NRestarts,"
        "ExecMainStatus"};
    command.argv.insert(command.argv.end(), units.begin(), units.end());
    command.deadline = 30s;
    FAIRLEAD_TRY(text, run_ok(command));
    std::vector<UnitState> found(1);
    std::string_view rest = text;
    // Units are in the order asked for, with an empty line between them.
    while (!rest.empty()) {
        auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line.empty()) {
            found.emplace_back();
            continue;
        }
        auto equals = line.find('=');
        if (equals != std::string_view::npos)
            take(found.back(), line.substr(0, equals), line.substr(equals + 1));
    }
    found.resize(units.size());
    return found;
}

std::vector<std::string> Systemd::last_lines(const std::string& unit, int count) {
    std::vector<std::string> lines;
    Command command;
    command.argv = {"journalctl",   "--no-pager",     "--quiet",
                    "--output=cat", "--unit=" + unit, "--lines=" + std::to_string(count)};
    command.deadline = 20s;
    command.on_line = [&](std::string_view line) { lines.emplace_back(line); };
    (void)run(command);
    return lines;
}

Result<Exit> run_task(const Task& task) {
    Systemd systemd;
    Command command;
    command.argv = {
        "systemd-run",        "--quiet", "--pipe", "--wait", "--collect", "--service-type=exec",
        "--unit=" + task.unit};
    for (const auto& property : task.properties) command.argv.push_back("--property=" + property);
    command.argv.push_back("--");
    command.argv.insert(command.argv.end(), task.argv.begin(), task.argv.end());
    command.deadline = task.deadline;
    command.on_line = task.on_line;
    command.stop = task.stop;
    // A leftover of that name would be in the way.
    FAIRLEAD_CHECK(systemd.stop({task.unit + ".service"}, 30s));
    auto ended = run(command);
    if (!ended || ended->timed_out || ended->stopped)
        FAIRLEAD_CHECK(systemd.stop({task.unit + ".service"}, 30s));
    return ended;
}

} // namespace fairlead::host
