#include "controller/domains/checker.hpp"

#include "common/crypto/random.hpp"
#include "common/runtime/log.hpp"

#include <algorithm>
#include <exception>

namespace fairlead::domains {
namespace {

/// 0 … 1
double chance() {
    auto bytes = crypto::random_bytes(2);
    auto number = static_cast<unsigned char>(bytes[0]) * 256 + static_cast<unsigned char>(bytes[1]);
    return number / 65535.0;
}

} // namespace

Checker::Checker(Domains& domains, Looker& looker, const Clock& clock, std::size_t threads)
    : domains_(domains), looker_(looker), clock_(clock), threads_wanted_(threads) {}

void Checker::start() {
    for (std::size_t i = 0; i < threads_wanted_; ++i)
        threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
}

void Checker::end() {
    for (auto& thread : threads_) thread.request_stop();
}

void Checker::stop() {
    end();
    threads_.clear();
}

void Checker::wake() {
    std::lock_guard held(lock_);
    ++changes_;
    news_.notify_all();
}

Result<> Checker::look_for(const OrgId& org) {
    FAIRLEAD_TRY(domain, domains_.due(org));
    if (!domain) return {};
    return domains_.record(org, domain->id, looker_.look(*domain), chance());
}

Result<bool> Checker::try_step() {
    FAIRLEAD_TRY(waiting, domains_.awaiting());
    std::optional<OrgId> org;
    {
        std::lock_guard held(lock_);
        org = rota_.take(waiting);
    }
    if (!org) return false;
    struct GiveBack {
        Checker& checker;
        const OrgId& org;
        ~GiveBack() {
            std::lock_guard held(checker.lock_);
            checker.rota_.give_back(org);
            ++checker.changes_;
            checker.news_.notify_all();
        }
    } give_back{*this, *org};
    FAIRLEAD_CHECK(look_for(*org));
    return true;
}

bool Checker::step() {
    auto stepped = try_step();
    if (!stepped) throw std::runtime_error(stepped.error().message());
    return *stepped;
}

std::chrono::milliseconds Checker::pause() const {
    auto next = domains_.next_due();
    if (!next) return store_pause;
    auto now = clock_.now();
    // What is due and not ours to take is another thread's, which says when it is done.
    if (!*next || **next <= now) return longest_sleep;
    return std::min<std::chrono::milliseconds>(**next - now, longest_sleep);
}

void Checker::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        std::uint64_t seen = 0;
        {
            std::lock_guard held(lock_);
            seen = changes_;
        }
        std::chrono::milliseconds sleep{};
        try {
            auto stepped = try_step();
            if (stepped && *stepped) continue;
            sleep = stepped ? pause() : store_pause;
            if (!stepped)
                log::error(
                    "domains could not be looked at", {{"reason", stepped.error().message()}}
                );
        } catch (const std::exception& broken) {
            sleep = store_pause;
            log::error("domains could not be looked at", {{"reason", broken.what()}});
        }
        // A store that cannot be asked is not asked again because of who else fails at it.
        bool failed = sleep == store_pause;
        std::unique_lock held(lock_);
        news_.wait_for(held, stop, sleep, [&] { return !failed && changes_ != seen; });
    }
}

} // namespace fairlead::domains
