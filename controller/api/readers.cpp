#include "controller/api/readers.hpp"

namespace fairlead::api {

bool concerns(const Event& event, const EventStream& reader) {
    if (event.org != reader.org || event.operation != reader.operation) return false;
    if (reader.projects && event.project && !reader.projects->contains(*event.project))
        return false;
    return event.permission.empty() || reader.permissions.contains(event.permission);
}

} // namespace fairlead::api
