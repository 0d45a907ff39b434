#include "controller/metrics/newest.hpp"

#include <algorithm>

namespace fairlead::metrics {

Told told(const proto::MeasuredValues& values, std::span<const proto::Measure> table) {
    Told row(table.size(), -1);
    for (std::size_t i = 0; i < table.size(); ++i) {
        auto found = values.find(std::string(table[i].name));
        // A whole number that a double can hold.
        if (found != values.end() && found->second >= 0)
            row[i] = std::min<std::int64_t>(found->second, std::int64_t(1) << 53);
    }
    return row;
}

double rate(const Newest* before, const Told& now, Timestamp at, std::size_t place) {
    if (!before || place >= before->measures.size() || place >= now.size()) return unknown();
    auto was = before->measures[place], is = now[place];
    auto passed = std::chrono::duration<double>(at - before->at).count();
    if (was < 0 || is < was || passed <= 0) return unknown();
    return static_cast<double>(is - was) / passed;
}

std::optional<Newest> NewestOfAll::find(std::string_view subject) const {
    std::lock_guard held(lock_);
    auto found = all_.find(std::string(subject));
    if (found == all_.end()) return {};
    return found->second;
}

void NewestOfAll::put(const std::string& subject, Newest newest) {
    std::lock_guard held(lock_);
    all_.insert_or_assign(subject, std::move(newest));
}

void NewestOfAll::forget_before(Timestamp at) {
    std::lock_guard held(lock_);
    std::erase_if(all_, [&](const auto& entry) { return entry.second.at < at; });
}

std::size_t NewestOfAll::size() const {
    std::lock_guard held(lock_);
    return all_.size();
}

} // namespace fairlead::metrics
