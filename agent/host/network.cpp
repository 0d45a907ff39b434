#include "agent/host/network.hpp"

#include "agent/host/packages.hpp"
#include "agent/host/systemd.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/lines.hpp"
#include "common/runtime/process.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <random>
#include <set>

namespace fairlead::host {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        auto word = line.substr(0, line.find_first_of(" \t"));
        if (!word.empty()) words.push_back(word);
        line.remove_prefix(word.size());
    }
    return words;
}

struct Bound {
    std::string address;
    std::string inode;
};

/// Listening sockets of a port in /proc/net/tcp or tcp6.
std::vector<Bound> bound_to(const char* table, std::uint16_t port, bool six) {
    std::vector<Bound> found;
    auto text = read_file(table, 16 << 20);
    if (!text) return found;
    auto wanted = fmt::format(":{:04X}", port);
    each_line(*text, [&](std::string_view line) {
        auto words = words_of(line);
        if (words.size() < 10 || words[3] != "0A" || !words[1].ends_with(wanted)) return;
        auto hex = words[1].substr(0, words[1].find(':'));
        bool any = hex.find_first_not_of('0') == std::string_view::npos;
        bool local = hex == "0100007F" || hex == "00000000000000000000000001000000";
        found.push_back(
            {any     ? "*"
             : local ? (six ? "::1" : "127.0.0.1")
                     : "another address",
             std::string(words[9])}
        );
    });
    return found;
}

std::string first_line(const fs::path& file) {
    auto text = read_file(file, 65536);
    return text ? text->substr(0, text->find('\n')) : "";
}

/// The systemd unit that a process belongs to, "" for none. Where cgroup v1 is mounted too, only
/// some of the file's lines are systemd's.
std::string unit_of(const fs::path& process) {
    auto text = read_file(process / "cgroup", 65536);
    std::string unit;
    if (!text) return unit;
    each_line(*text, [&](std::string_view line) {
        if (!line.starts_with("0::") && line.find(":name=systemd:") == std::string_view::npos)
            return;
        auto last = line.substr(line.rfind('/') + 1);
        if (last.find('.') != std::string_view::npos) unit = last;
    });
    return unit;
}

void find_owner(Listener& listener, const std::string& inode) {
    auto wanted = "socket:[" + inode + "]";
    std::error_code ignored;
    for (const auto& process : fs::directory_iterator("/proc", ignored)) {
        auto name = process.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        for (const auto& fd : fs::directory_iterator(process.path() / "fd", ignored)) {
            if (fs::read_symlink(fd.path(), ignored) != wanted) continue;
            int pid = 0;
            std::from_chars(name.data(), name.data() + name.size(), pid);
            // systemd holds sockets for units; a service that took one over says more.
            if (listener.pid != 0 && pid == 1) continue;
            listener.pid = pid;
            listener.program = first_line(process.path() / "comm");
            listener.unit = unit_of(process.path());
        }
    }
}

/// `users:(("nginx",pid=12,fd=3))` of ss, run outside the executor's sandbox, which must not look
/// into other users' processes.
void ask_ss(std::vector<Listener>& found, std::uint16_t port) {
    if (!has_program("ss")) return;
    std::string text;
    Task task;
    task.unit = fmt::format("fairlead-ports-{}", port);
    task.argv = {"/usr/bin/env", "ss", "-Htlnp", fmt::format("sport = :{}", port)};
    task.deadline = 15s;
    task.on_line = [&](std::string_view line) { text.append(line).append("\n"); };
    if (auto ended = run_task(task); !ended || !ended->ok()) return;
    auto name = text.find("((\""), pid = text.find("pid=");
    if (name == std::string::npos || pid == std::string::npos) return;
    for (auto& listener : found) {
        if (listener.pid != 0) continue;
        std::from_chars(text.data() + pid + 4, text.data() + text.size(), listener.pid);
        listener.program = text.substr(name + 3, text.find('"', name + 3) - name - 3);
        listener.unit = unit_of(fmt::format("/proc/{}", listener.pid));
    }
}

/// One of nft's list; its texts are parts of that.
struct Chain {
    std::string_view table, table_name, name;
    bool input = false, drops = false, accepts_loopback = false;
    std::set<std::string_view> leads_to{};
};

/// By a rule of its own, or of a chain that it leads to, as those of ufw do.
bool lets_loopback_in(const Chain& from, const std::vector<Chain>& chains) {
    std::set<std::string_view> seen{from.name};
    std::vector<const Chain*> next{&from};
    while (!next.empty()) {
        const auto& chain = *next.back();
        next.pop_back();
        if (chain.accepts_loopback) return true;
        for (const auto& other : chains)
            if (other.table == from.table && chain.leads_to.contains(other.name) &&
                seen.insert(other.name).second)
                next.push_back(&other);
    }
    return false;
}

} // namespace

Result<std::vector<Listener>> listeners(std::uint16_t port) {
    std::vector<Listener> found;
    auto all = bound_to("/proc/net/tcp", port, false);
    auto six = bound_to("/proc/net/tcp6", port, true);
    all.insert(all.end(), six.begin(), six.end());
    for (const auto& bound : all) {
        Listener listener;
        listener.address = bound.address;
        find_owner(listener, bound.inode);
        found.push_back(std::move(listener));
    }
    if (std::ranges::any_of(found, [](const auto& listener) { return listener.pid == 0; }))
        ask_ss(found, port);
    return found;
}

Result<std::uint16_t> free_port() {
    // Below those that the kernel gives out by itself, and not by asking it for one: the executor
    // may open no port.
    constexpr std::uint32_t first = 20000, count = 12000, tries = 50;
    auto begin = std::random_device{}() % count;
    for (std::uint32_t i = 0; i < tries; ++i) {
        auto port = static_cast<std::uint16_t>(first + (begin + i * 7) % count);
        FAIRLEAD_TRY(found, listeners(port));
        if (found.empty()) return port;
    }
    return fail(
        Errc::unavailable,
        fmt::format("No free port was found from {} to {}.", first, first + count)
    );
}

std::string loopback_trouble(std::uint16_t port) {
    Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    // Where nobody listens the kernel refuses at once; silence is a packet filter.
    auto error = connect_loopback(client.get(), "127.0.0.1", port, 1500ms);
    if (error == 0 || error == ECONNREFUSED) return {};
    if (error == ETIMEDOUT) return "connections get no answer (dropped)";
    return fmt::format("connections fail: {}", std::strerror(error));
}

std::vector<std::string> blocks_of(std::string_view ruleset, std::uint16_t port) {
    auto number = std::to_string(port);
    std::vector<std::string> blocks;
    std::vector<Chain> chains;
    std::string_view table;
    each_line(ruleset, [&](std::string_view line) {
        auto words = words_of(line);
        if (words.empty()) return;
        auto has = [&](std::string_view text) { return line.find(text) != std::string_view::npos; };
        if (words[0] == "table" && words.size() > 2) {
            // Chains jump within their table alone, and tables of two families may have one name.
            table = line.substr(0, line.find('{'));
            return;
        }
        if (words[0] == "chain" && words.size() > 1)
            return void(chains.push_back({table, words_of(table)[2], words[1]}));
        if (chains.empty()) return;
        auto& chain = chains.back();
        if (has("hook input")) {
            chain.input = true;
            chain.drops = has("policy drop");
        }
        bool loopback = has("\"lo\"");
        if (loopback && has("accept")) chain.accepts_loopback = true;
        // What holds for another interface leads loopback nowhere.
        if (loopback || !has("iif"))
            for (std::size_t i = 0; i + 1 < words.size(); ++i)
                if (words[i] == "jump" || words[i] == "goto") chain.leads_to.insert(words[i + 1]);
        bool names = std::ranges::any_of(words, [&](auto word) {
            while (word.ends_with(',')) word.remove_suffix(1);
            return word == number;
        });
        if (names && (has("drop") || has("reject")) && has("dport")) {
            auto rule = line.substr(line.find_first_not_of(" \t"));
            blocks.push_back(
                fmt::format("{} {}: {}", chain.table_name, chain.name, rule.substr(0, 200))
            );
        }
    });
    for (const auto& chain : chains)
        if (chain.input && chain.drops && !lets_loopback_in(chain, chains))
            blocks.push_back(fmt::format("{} {}: policy drop", chain.table_name, chain.name));
    return blocks;
}

std::vector<Firewall> firewalls(std::uint16_t port) {
    std::vector<Firewall> found;
    auto output = [](std::vector<std::string> argv) -> std::string {
        Command command;
        command.argv = std::move(argv);
        command.deadline = 20s;
        command.output_limit = 4 << 20;
        auto ended = run(command);
        return ended && ended->ok() ? ended->output : "";
    };
    auto rules = has_program("nft") ? output({"nft", "--stateless", "list", "ruleset"}) : "";
    if (!rules.empty()) found.push_back({"nftables", blocks_of(rules, port)});
    if (has_program("ufw") && output({"ufw", "status"}).find("Status: active") != std::string::npos)
        found.push_back({"ufw", {}});
    if (has_program("firewall-cmd") && output({"firewall-cmd", "--state"}).starts_with("running"))
        found.push_back({"firewalld", {}});
    return found;
}

Result<HttpAnswer>
http_get(std::uint16_t port, std::string_view path, std::chrono::milliseconds limit) {
    return loopback_get("127.0.0.1", port, path, limit);
}

Result<std::vector<std::string>> resolve(const std::string& name) {
    Command command;
    command.argv = {"getent", "ahosts", name};
    command.deadline = 15s;
    FAIRLEAD_TRY(ended, run(command));
    std::set<std::string> addresses;
    each_line(ended.output, [&](std::string_view line) {
        auto words = words_of(line);
        if (!words.empty()) addresses.emplace(words[0]);
    });
    if (addresses.empty()) return fail(Errc::not_found, fmt::format("{} has no address", name));
    return std::vector<std::string>(addresses.begin(), addresses.end());
}

} // namespace fairlead::host
