#include "proto/recording.hpp"

#include <algorithm>

namespace fairlead::proto {

bool is_recording_id(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    });
}

Result<> check(const RecordingPurpose& purpose) {
    if (purpose.recording.empty() || is_recording_id(purpose.recording)) return {};
    return fail(Errc::invalid, "A recording has the id of a terminal.");
}

} // namespace fairlead::proto
