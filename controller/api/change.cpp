#include "controller/api/change.hpp"

#include <fmt/core.h>

#include <memory>
#include <stdexcept>

namespace fairlead::api {

void publish(store::UnitOfWork& unit, EventSink& sink, std::vector<Event> events) {
    if (events.empty()) return;
    auto shared = std::make_shared<std::vector<Event>>(std::move(events));
    unit.after_commit([&sink, shared] {
        for (auto& event : *shared) sink.publish(std::move(event));
    });
}

void require_audit(const store::UnitOfWork& unit, const Call& call) {
    if (!unit.noted(audited))
        throw std::logic_error(
            "a change without an audit entry: " + std::string(name_of(call.request().method)) +
            " " + call.request().path
        );
}

Result<>
check_room(std::int64_t count, std::int64_t most, std::string_view code, std::string_view words) {
    if (count < most) return {};
    return conflict(
        std::string(code),
        fmt::format("This organization has {} {}, which is the most.", count, words)
    );
}

} // namespace fairlead::api
