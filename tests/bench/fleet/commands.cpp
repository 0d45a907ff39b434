#include "tests/bench/fleet/commands.hpp"

#include "common/crypto/x509.hpp"
#include "common/runtime/file.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <unordered_map>

namespace fairlead::bench {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t enrolling = 16; // connections

std::size_t number(const Words& words, std::size_t at) {
    return at < words.size() ? std::strtoul(words[at].c_str(), nullptr, 10) : 0;
}

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    auto seconds = [](timeval t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// What one small durable write costs here, with nothing around it.
Answer sync_times(const std::string& file, std::size_t count) {
    int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return fail(Errc::unavailable, "cannot write " + file);
    std::string page(4096, 'x');
    std::vector<double> times;
    for (std::size_t i = 0; i < count; ++i) {
        auto began = Steady::now();
        auto at = static_cast<off_t>(i % 1000 * page.size());
        if (::pwrite(fd, page.data(), page.size(), at) < 0 || ::fdatasync(fd) != 0) break;
        times.push_back(seconds_since(began));
    }
    ::close(fd);
    ::unlink(file.c_str());
    return percentiles(std::move(times));
}

} // namespace

Task<Answer> Commands::run(Words words) {
    const auto& what = words[0];
    const auto& first = words.size() > 1 ? words[1] : what;
    boost::json::object fine;
    if (what == "site" && words.size() == 6) {
        site_.address = words[1];
        site_.port = static_cast<std::uint16_t>(number(words, 2));
        site_.name = words[3];
        site_.cookie = words[4];
        site_.org = words[5];
        fleet_.controller.host = site_.name;
        fleet_.controller.port = site_.port;
        fleet_.controller.path = "/link";
        fleet_.controller.alpn = net::agent_alpn;
    } else if (what == "ca") {
        auto text = read_file(first, 64 * 1024);
        if (!text) co_return fail(std::move(text).error());
        ca_ = *text;
    } else if (what == "enrol") {
        Words tokens(words.begin() + 2, words.end());
        co_return co_await enrol(number(words, 1), std::move(tokens));
    } else if (what == "start") {
        co_return co_await start(number(words, 1), number(words, 2));
    } else if (what == "await") {
        auto limit = std::chrono::seconds(number(words, 2));
        co_return co_await wait_online(number(words, 1), limit);
    } else if (what == "cut") {
        co_return co_await cut(number(words, 1));
    } else if (what == "stop") {
        co_return co_await stop();
    } else if (what == "forget") {
        for (auto& agent : agents_) agent->forget_session();
    } else if (what == "facts") {
        fleet_.facts = first == "on";
    } else if (what == "journal") {
        if (fleet_.journal >= 0) ::close(fleet_.journal);
        fleet_.journal =
            first == "off" ? -1 : ::open(first.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    } else if (what == "trip") {
        co_return co_await trip(number(words, 1));
    } else if (what == "sync") {
        co_return sync_times(first, number(words, 2));
    } else if (what == "stats") {
        co_return stats();
    } else if (what == "pki") {
        co_return make_pki(first);
    } else if (what == "mqtt") {
        auto port = static_cast<std::uint16_t>(number(words, 1));
        co_return co_await mqtt(port, number(words, 2), number(words, 3));
    } else if (what == "mqtt-stop") {
        mqtt_.close();
    } else {
        co_return fail(Errc::invalid, "unknown command: " + what);
    }
    co_return fine;
}

Task<> Commands::keep_alive() {
    for (;;) {
        co_await sleep_for(250ms);
        auto now = Steady::now();
        for (auto& agent : agents_) agent->tick(now);
        mqtt_.tick(now);
    }
}

Answer Commands::stats() const {
    return boost::json::object{{"online", fleet_.online}, {"resumed", fleet_.resumed},
                               {"failed", fleet_.failed}, {"failure", fleet_.failure},
                               {"pings", fleet_.pings},   {"operations", fleet_.operations},
                               {"mqtt", mqtt_.online()},  {"mqtt_failure", mqtt_.failure},
                               {"cpu_s", cpu_seconds()}};
}

// ---- enrolment ----

Task<>
Commands::enrol_some(Words& tokens, std::size_t wanted, std::size_t& made, std::string& failure) {
    auto own = net::TlsClientContext::make(net::Trust::authorities(ca_));
    if (!own) throw std::runtime_error(own.error().message());
    ApiConnection api(site_, *own);
    while (made < wanted && failure.empty()) {
        auto index = made++;
        auto key = crypto::P256Key::generate();
        auto name = "bench-" + std::to_string(index);
        boost::json::object body{
            {"token", tokens[index / 1000 % tokens.size()]},
            {"csr", crypto::make_csr(key, name)},
            {"name", name},
            {"capability", 1},
            {"agent_version", "bench"},
            {"facts", boost::json::object{}}};
        auto text = boost::json::serialize(body);
        auto reply = co_await api.call("POST", "/api/v1/agent/enroll", std::move(text));
        if (!reply || reply->status != 201) {
            failure = reply ? reply->body : reply.error().message();
            co_return;
        }
        auto said = boost::json::parse(reply->body);
        auto trust = net::Trust::authorities(ca_);
        auto tls = net::TlsClientContext::make(std::move(trust));
        if (!tls) throw std::runtime_error(tls.error().message());
        auto pem = key.to_pem();
        auto set = tls->set_identity(said.at("certificate").as_string(), pem);
        if (!set) throw std::runtime_error(set.error().message());
        servers_.emplace_back(said.at("server_id").as_string());
        agents_.push_back(std::make_unique<FakeAgent>(fleet_, *std::move(tls), name));
    }
}

Task<Answer> Commands::enrol(std::size_t count, Words tokens) {
    auto began = Steady::now();
    auto made = agents_.size();
    auto first = made;
    std::string failure;
    TaskGroup group(executor_);
    for (std::size_t i = 0; i < enrolling; ++i)
        group.spawn(enrol_some(tokens, count, made, failure));
    co_await group.join();
    if (!failure.empty()) co_return fail(Errc::unavailable, failure);
    auto took = seconds_since(began);
    co_return boost::json::object{{"seconds", took}, {"enrolled", agents_.size() - first}};
}

// ---- links ----

Task<Answer> Commands::wait_online(std::size_t count, std::chrono::milliseconds limit) {
    auto began = Steady::now();
    while (fleet_.online < count && Steady::now() - began < limit) {
        auto noted = co_await fleet_.changed.wait_for(100ms);
        static_cast<void>(noted);
    }
    boost::json::object answer{{"seconds", seconds_since(began)}, {"online", fleet_.online},
                               {"failed", fleet_.failed},         {"failure", fleet_.failure},
                               {"resumed", fleet_.resumed},       {"cpu_s", cpu_seconds()}};
    answer["dial"] = percentiles(fleet_.dial_times);
    answer["outage"] = percentiles(fleet_.outages);
    co_return answer;
}

Task<Answer> Commands::start(std::size_t count, std::size_t at_once) {
    fleet_.failed = fleet_.resumed = 0;
    fleet_.dial_times.clear();
    fleet_.outages.clear();
    fleet_.limited = at_once > 0;
    fleet_.slots = at_once;
    count = std::min(count, agents_.size());
    for (std::size_t i = 0; i < count; ++i) agents_[i]->start();
    auto answer = co_await wait_online(count, 300s);
    fleet_.limited = false;
    co_return answer;
}

Task<Answer> Commands::cut(std::size_t count) {
    fleet_.failed = fleet_.resumed = 0;
    fleet_.outages.clear();
    auto all = fleet_.online;
    std::size_t done = 0;
    for (std::size_t i = 0; i < agents_.size() && done < count; ++i) {
        if (!agents_[i]->online()) continue;
        agents_[i]->cut();
        ++done;
    }
    auto began = Steady::now();
    while (fleet_.outages.size() < done && Steady::now() - began < 120s) {
        auto noted = co_await fleet_.changed.wait_for(100ms);
        static_cast<void>(noted);
    }
    co_return co_await wait_online(all, 60s);
}

Task<Answer> Commands::stop() {
    for (auto& agent : agents_) agent->leave();
    auto began = Steady::now();
    auto running = [&] {
        for (auto& agent : agents_)
            if (agent->running()) return true;
        return false;
    };
    while (running() && Steady::now() - began < 60s) co_await sleep_for(20ms);
    ::malloc_trim(0);
    co_return boost::json::object{{"online", fleet_.online}};
}

// ---- operations ----

/// The stream of events says when an operation's end is durable.
Task<Answer> Commands::trip(std::size_t count) {
    auto tls = net::TlsClientContext::make(net::Trust::authorities(ca_));
    if (!tls) co_return fail(std::move(tls).error());
    ApiConnection api(site_, *tls), events(site_, *tls);
    auto listening = co_await events.open_events(site_.org + "/events");
    if (!listening) co_return fail(std::move(listening).error());
    std::vector<double> times, calls;
    for (std::size_t i = 0; i < count; ++i) {
        auto path = site_.org + "/servers/" + servers_[i % fleet_.online] + "/ping";
        auto began = Steady::now();
        auto reply = co_await api.call("POST", std::move(path), "");
        if (!reply) co_return fail(std::move(reply).error());
        if (reply->status != 202) co_return fail(Errc::unavailable, reply->body);
        calls.push_back(seconds_since(began));
        auto said = boost::json::parse(reply->body);
        std::string id(said.at("id").as_string());
        std::string seen;
        for (bool over = false; !over;) {
            auto piece = co_await events.more();
            if (!piece) co_return fail(std::move(piece).error());
            seen += *piece;
            for (auto end = seen.find("\n\n"); end != std::string::npos && !over;
                 end = seen.find("\n\n")) {
                auto block = std::string_view(seen).substr(0, end);
                over = block.find("\"id\":\"" + id) != block.npos &&
                       block.find("\"state\":\"succeeded\"") != block.npos;
                seen.erase(0, end + 2);
            }
            if (Steady::now() - began > 20s)
                co_return fail(Errc::timeout, "no result of operation " + id);
        }
        times.push_back(seconds_since(began));
    }
    auto answer = percentiles(std::move(times));
    answer["call"] = percentiles(std::move(calls));
    co_return answer;
}

// ---- peers ----

Answer Commands::make_pki(const std::string& folder) {
    auto ca_key = crypto::P256Key::generate();
    auto now = SystemClock().now();
    pki_ca_ = crypto::self_sign_ca(ca_key, "Bench CA", {now - 1h, now + 48h});
    auto leaf = [&](crypto::Usage usage, const char* name, const crypto::P256Key& own) {
        crypto::IssueRequest request;
        request.public_der = own.public_der();
        request.common_name = name;
        request.usage = usage;
        request.validity = {now - 1h, now + 24h};
        request.names.dns = {name};
        return crypto::issue(ca_key, pki_ca_, request);
    };
    auto server_key = crypto::P256Key::generate(), client_key = crypto::P256Key::generate();
    FAIRLEAD_TRY(server, leaf(crypto::Usage::server, "localhost", server_key));
    FAIRLEAD_TRY(client, leaf(crypto::Usage::client, "bench", client_key));
    pki_client_ = client;
    pki_client_key_ = client_key.to_pem();
    auto put = [&](const char* name, std::string_view text) {
        return write_file(folder + "/" + name, text, 0600);
    };
    FAIRLEAD_CHECK(put("ca.pem", pki_ca_));
    FAIRLEAD_CHECK(put("server.pem", server));
    FAIRLEAD_CHECK(put("server.key", server_key.to_pem().reveal()));
    return boost::json::object{{"folder", folder}};
}

Task<Answer> Commands::mqtt(std::uint16_t port, std::size_t count, std::size_t at_once) {
    auto began = Steady::now();
    mqtt_.failure.clear();
    auto opened = co_await mqtt_.open(port, count, at_once, pki_ca_, pki_client_, pki_client_key_);
    if (!opened) co_return fail(std::move(opened).error());
    co_return boost::json::object{
        {"seconds", seconds_since(began)}, {"online", mqtt_.online()}, {"failure", mqtt_.failure}};
}

} // namespace fairlead::bench
