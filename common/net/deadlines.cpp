#include "common/net/deadlines.hpp"

namespace fairlead::net {

namespace {

constexpr auto tick = std::chrono::milliseconds(250);

} // namespace

void Deadlines::set(Member& member, std::chrono::steady_clock::duration limit) {
    member.deadline_ = std::chrono::steady_clock::now() + limit;
    if (!member.is_linked()) members_.push_back(member);
    if (!armed_) arm();
}

void Deadlines::arm() {
    armed_ = true;
    timer_.expires_after(tick);
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& failed) {
        auto self = weak.lock();
        if (self && !failed) self->sweep();
    });
}

void Deadlines::sweep() {
    auto now = std::chrono::steady_clock::now();
    for (auto at = members_.begin(); at != members_.end();) {
        auto& member = *at++;
        if (member.deadline_ > now) continue;
        member.unlink();
        member.expire();
    }
    armed_ = false;
    if (!members_.empty()) arm();
}

} // namespace fairlead::net
