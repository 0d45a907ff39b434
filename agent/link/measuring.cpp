#include "agent/link/measuring.hpp"

#include "agent/link/local_opening.hpp"
#include "common/async/within.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/log.hpp"
#include "proto/codec.hpp"
#include "proto/measures.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace fairlead::link {
namespace {

using namespace std::chrono_literals;
using Local = asio::local::stream_protocol;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr auto answer_time = 25s;
constexpr std::size_t largest = 256 * 1024;
constexpr unsigned deep_rounds = 10;
constexpr const char* deep_server[] = {"pg_bytes"};
constexpr const char* deep_environment[] = {"database_bytes", "cron_late", "cron_late_s"};

std::int64_t next_number(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    std::int64_t value = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return failed == std::errc() ? value : 0;
}

std::int64_t kib_of(std::string_view meminfo, std::string_view name) {
    auto at = meminfo.find(name);
    if (at == std::string_view::npos) return 0;
    auto rest = meminfo.substr(at + name.size());
    return next_number(rest);
}

/// The deep ones of `names`, from one to the other.
template <std::size_t N>
void copy(
    const char* const (&names)[N], const proto::MeasuredValues& from, proto::MeasuredValues& to
) {
    for (const char* name : names)
        if (auto found = from.find(name); found != from.end()) to.try_emplace(name, found->second);
}

} // namespace

bool is_device(std::string_view interface) {
    std::error_code ignored;
    auto folder = std::filesystem::path("/sys/class/net") / interface / "device";
    return std::filesystem::exists(folder, ignored);
}

void take_network(
    std::string_view text, proto::MeasuredValues& values,
    const std::function<bool(std::string_view)>& device
) {
    struct Sum {
        std::int64_t in = 0, out = 0;
        bool any = false;
    };
    Sum devices, all;
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        auto colon = line.find(':');
        if (colon == std::string_view::npos) continue; // the two lines of its head
        auto name = line.substr(0, colon);
        name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
        if (name == "lo") continue;
        auto rest = line.substr(colon + 1);
        auto in = next_number(rest);
        for (int other = 0; other < 7; ++other) next_number(rest); // packets, errors, …
        auto out = next_number(rest);
        for (auto* sum : {&devices, &all}) {
            if (sum == &devices && !device(name)) continue;
            sum->in += in;
            sum->out += out;
            sum->any = true;
        }
    }
    const auto& sum = devices.any ? devices : all;
    if (!sum.any) return;
    values["network_in_bytes"] = sum.in;
    values["network_out_bytes"] = sum.out;
}

void take_swap(std::string_view meminfo, proto::MeasuredValues& values) {
    auto total = kib_of(meminfo, "\nSwapTotal:"), free = kib_of(meminfo, "\nSwapFree:");
    values["swap_used_bytes"] = std::max<std::int64_t>(0, total - free) * 1024;
}

void Deep::complete(proto::Measures& measures) {
    if (due()) {
        server_.clear();
        environments_.clear();
        copy(deep_server, measures.server, server_);
        for (const auto& one : measures.environments)
            copy(deep_environment, one.values, environments_[one.slug]);
    }
    rounds_ = (rounds_ + 1) % deep_rounds;
    copy(deep_server, server_, measures.server);
    for (auto& one : measures.environments)
        if (auto found = environments_.find(one.slug); found != environments_.end())
            copy(deep_environment, found->second, one.values);
}

Task<Result<proto::Measures>> Measuring::ask(bool deep) {
    Local::socket socket(executor_);
    proto::MeasureOpening wanted;
    wanted.deep = deep ? 1 : 0;
    auto body = proto::write_text(wanted);
    auto service = LocalService(socket_, "Measurements", "fairlead-metrics");
    auto opened = co_await open_locally(socket, std::move(service), std::move(body));
    if (!opened) co_return fail(std::move(opened).error());
    if (*opened) co_return fail(Errc::unavailable, (*opened)->reason);
    std::string text;
    std::string piece(8192, '\0');
    for (;;) {
        auto room = asio::buffer(piece);
        auto got = co_await socket.async_read_some(room, as_result);
        if (std::get<0>(got)) break; // its end; what was cut off is no JSON
        text.append(piece, 0, std::get<1>(got));
        if (text.size() > largest)
            co_return fail(Errc::invalid, "What was measured is larger than 256 KiB.");
    }
    co_return proto::read_text<proto::Measures>(text);
}

Task<proto::Measures> Measuring::take(bool ask_too) {
    proto::Measures measures;
    if (ask_too) {
        auto answer = co_await within<proto::Measures>(answer_time, ask(deep_.due()));
        if (answer) {
            measures = *std::move(answer);
            deep_.complete(measures);
        } else if (!failing_) {
            log::warning(
                "PostgreSQL and environments are not measured",
                {{"reason", answer.error().message()}}
            );
        }
        if (!answer && answer.error().kind() == Errc::timeout) deep_.pass();
        failing_ = !answer;
    }
    take_network(read_file("/proc/net/dev", 256 * 1024).value_or(""), measures.server);
    take_swap(read_file("/proc/meminfo", 65536).value_or(""), measures.server);
    co_return measures;
}

} // namespace fairlead::link
