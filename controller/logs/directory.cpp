#include "controller/logs/directory.hpp"

#include <algorithm>

namespace fairlead::logs {
namespace {

constexpr std::size_t most_looks = 4096;

tl::unexpected<Error> too_many(std::string whose, std::size_t most) {
    return fail(Error(
                    Errc::rate_limited, whose + " " + std::to_string(most) +
                                            " readings open, which is as many as may be. Close one "
                                            "that is not needed any more."
    )
                    .with_code("too_many_readings")
                    .with_fact("retry_after_s", "5"));
}

} // namespace

Result<AskedPtr> Directory::reserve(Asked asked) {
    std::scoped_lock lock(mutex_);
    std::erase_if(all_, [&](const auto& entry) {
        return !entry.second.taken && entry.second.asked->made + waits_for <= asked.made;
    });
    auto count = [&](auto fits) {
        return static_cast<std::size_t>(std::ranges::count_if(all_, [&](const auto& entry) {
            return fits(*entry.second.asked);
        }));
    };
    auto of_reader = count([&](const Asked& one) { return one.reader == asked.reader; });
    if (of_reader >= limits_.of_reader) return too_many("You have", limits_.of_reader);
    auto of_server = count([&](const Asked& one) { return one.server == asked.server; });
    if (of_server >= limits_.of_server) return too_many("The server has", limits_.of_server);
    auto of_org = count([&](const Asked& one) { return one.scope.org() == asked.scope.org(); });
    if (of_org >= limits_.of_org) return too_many("The organization has", limits_.of_org);
    if (all_.size() >= limits_.of_all) return too_many("This controller has", limits_.of_all);
    auto held = std::make_shared<const Asked>(std::move(asked));
    all_[held->id] = Place{held};
    return held;
}

AskedPtr Directory::take(const ReadingId& id) {
    std::scoped_lock lock(mutex_);
    auto found = all_.find(id);
    if (found == all_.end() || found->second.taken) return nullptr;
    found->second.taken = true;
    return found->second.asked;
}

void Directory::remove(const ReadingId& id) {
    std::scoped_lock lock(mutex_);
    all_.erase(id);
}

std::vector<ReadingId> Directory::drop_bond(std::string_view bond) {
    std::scoped_lock lock(mutex_);
    std::vector<ReadingId> bound;
    for (const auto& [id, place] : all_)
        if (std::ranges::find(place.asked->bonds, bond) != place.asked->bonds.end())
            bound.push_back(id);
    for (const auto& id : bound) all_.erase(id);
    return bound;
}

bool Directory::was_noted(const std::string& look, Timestamp now) const {
    std::scoped_lock lock(mutex_);
    auto found = looks_.find(look);
    return found != looks_.end() && now < found->second + look_lasts;
}

void Directory::note(const std::string& look, Timestamp now) {
    std::scoped_lock lock(mutex_);
    std::erase_if(looks_, [&](const auto& entry) { return entry.second + look_lasts <= now; });
    // Forgetting one means one entry more in the audit log, and none less.
    if (looks_.size() >= most_looks) looks_.clear();
    looks_[look] = now;
}

std::size_t Directory::size() const {
    std::scoped_lock lock(mutex_);
    return all_.size();
}

} // namespace fairlead::logs
