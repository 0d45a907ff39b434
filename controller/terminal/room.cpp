#include "controller/terminal/room.hpp"

#include <algorithm>

namespace fairlead::terminal {

std::size_t Room::space() const {
    if (dropping_) return output_window;
    return kept_.size() >= output_window ? 0 : output_window - kept_.size();
}

void Room::output(std::string_view bytes) {
    if (!dropping_ && !bytes.empty()) kept_.append(bytes);
}

std::string Room::next_output(std::size_t limit) {
    std::string bytes;
    auto count = static_cast<std::size_t>(std::min<std::uint64_t>(limit, end() - sent_));
    kept_.copy(sent_ - taken_, count, bytes);
    sent_ += count;
    return bytes;
}

Result<> Room::took(std::uint64_t offset) {
    if (dropping_) return {};
    if (offset < taken_ || offset > sent_)
        return fail(
            Errc::invalid, "took: " + std::to_string(offset) + " is not between " +
                               std::to_string(taken_) + " and " + std::to_string(sent_) + "."
        );
    kept_.drop(offset - taken_);
    taken_ = offset;
    return {};
}

void Room::drop_output() {
    dropping_ = true;
    taken_ = end();
    sent_ = taken_;
    kept_ = stream::Bytes();
}

Result<> Room::typed(std::string_view bytes) {
    if (received_ - passed_ + bytes.size() > input_window)
        return fail(
            Errc::invalid, "More than " + std::to_string(input_window) +
                               " bytes were typed that the server has not taken; wait for took."
        );
    if (bytes.empty()) return {};
    input_.append(bytes);
    received_ += bytes.size();
    return {};
}

std::string Room::next_input(std::size_t limit) {
    return input_.take(limit);
}

Result<> Room::resume(std::uint64_t received) {
    if (received < taken_ || received > sent_)
        return fail(
            Errc::invalid, "received: " + std::to_string(received) + " is not between " +
                               std::to_string(taken_) + " and " + std::to_string(sent_) + "."
        );
    sent_ = received;
    return {};
}

} // namespace fairlead::terminal
