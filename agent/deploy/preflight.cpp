#include "agent/deploy/preflight.hpp"

#include "agent/deploy/preflight_checks.hpp"
#include "common/runtime/utf8.hpp"

#include <fmt/core.h>

namespace fairlead::deploy {

using proto::CheckResult;

Result<proto::PreflightReport> Preflight::run() {
    FAIRLEAD_TRY(record, load_environment(place_));
    record_ = record;
    struct Item {
        void (Preflight::*check)();
        const char* title;
    };
    const Item items[] = {
        {&Preflight::link, "Link and privileges"},
        {&Preflight::memory, "Memory"},
        {&Preflight::ports, "Ports"},
        {&Preflight::firewall, "Firewall"},
        {&Preflight::web_ports, "Ports of the web"},
        {&Preflight::cloudflared, "Cloudflare's connector"},
        {&Preflight::postgresql, "PostgreSQL"},
        {&Preflight::dns, "Domains"},
        {&Preflight::repositories, "Repositories"},
        {&Preflight::disk, "Disk space"},
        {&Preflight::python, "Python packages"},
        {&Preflight::integrity, "Previous release"}};
    std::uint32_t done = 0;
    for (const auto& item : items) {
        if (work_.stopping())
            return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled")
            );
        work_.progress(done++ * 100 / static_cast<std::uint32_t>(std::size(items)), item.title);
        (this->*item.check)();
    }
    return report_;
}

void Preflight::add(
    std::string id, std::string title, CheckResult result, std::string value, std::string need,
    std::string remedy
) {
    auto word = result == CheckResult::passed    ? "passed"
                : result == CheckResult::warning ? "warning"
                                                 : "failed";
    auto text =
        fmt::format("{}: {} – {}{}", title, word, value, remedy.empty() ? "" : ". " + remedy);
    work_.log(
        result == CheckResult::passed    ? proto::LogLevel::info
        : result == CheckResult::warning ? proto::LogLevel::warning
                                         : proto::LogLevel::error,
        text
    );
    report_.checks.push_back(
        {std::move(id), std::move(title), result, work_.redact(value), std::move(need),
         work_.redact(remedy)}
    );
}

std::string human(std::uint64_t bytes) {
    if (bytes < 10 * mib) return fmt::format("{} KiB", bytes / 1024);
    if (bytes < 10'240 * mib) return fmt::format("{} MiB", bytes / mib);
    return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / static_cast<double>(1024 * mib));
}

Result<proto::PreflightReport>
run_preflight(Site& site, const proto::EnvironmentSpec& environment, journal::Work& work) {
    return Preflight(site, environment, work).run();
}

Result<> verdict(const proto::PreflightReport& report) {
    std::string text;
    for (const auto& check : report.checks)
        if (check.result == CheckResult::failed)
            text += fmt::format(
                "{}{}: {}.{}", text.empty() ? "" : " ", check.title, check.value,
                check.remedy.empty() ? "" : " " + check.remedy
            );
    if (text.empty()) return {};
    return fail(
        Error(Errc::conflict, std::string(utf8::cut(text, 2000))).with_code("preflight_failed")
    );
}

} // namespace fairlead::deploy
