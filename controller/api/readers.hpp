/// Who gets an event.
#pragma once

#include "controller/api/events.hpp"
#include "controller/api/response.hpp"

namespace fairlead::api {

/// True when the stream is about the event's organization or operation, and its reader may view
/// such things and is not limited to other projects.
bool concerns(const Event& event, const EventStream& reader);

} // namespace fairlead::api
