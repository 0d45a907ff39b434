#include "controller/tunnels/key_ring.hpp"

namespace fairlead::tunnels {

std::shared_ptr<const Signer> KeyRing::find(const OrgId& org, Timestamp now) {
    std::lock_guard lock(mutex_);
    auto found = places_.find(org.str());
    if (found == places_.end()) return nullptr;
    auto place = found->second;
    if (now >= place->until) {
        drop(place);
        return nullptr;
    }
    held_.splice(held_.begin(), held_, place);
    return place->signer;
}

std::uint64_t KeyRing::epoch() const {
    std::lock_guard lock(mutex_);
    return epoch_;
}

void KeyRing::keep(
    const OrgId& org, std::shared_ptr<const Signer> signer, Timestamp now, std::uint64_t epoch
) {
    std::lock_guard lock(mutex_);
    if (epoch == epoch_) put(org, std::move(signer), now + life_);
}

void KeyRing::leave(const OrgId& org, std::shared_ptr<const Signer> signer, Timestamp until) {
    std::lock_guard lock(mutex_);
    ++epoch_;
    put(org, std::move(signer), until);
}

void KeyRing::put(const OrgId& org, std::shared_ptr<const Signer> signer, Timestamp until) {
    if (auto found = places_.find(org.str()); found != places_.end()) drop(found->second);
    held_.push_front({org, std::move(signer), until});
    places_[org.str()] = held_.begin();
    if (held_.size() > most_) drop(std::prev(held_.end()));
}

void KeyRing::forget(const OrgId& org) {
    std::lock_guard lock(mutex_);
    ++epoch_;
    if (auto found = places_.find(org.str()); found != places_.end()) drop(found->second);
}

void KeyRing::sweep(Timestamp now) {
    std::lock_guard lock(mutex_);
    for (auto place = held_.begin(); place != held_.end();) {
        auto next = std::next(place);
        if (now >= place->until) drop(place);
        place = next;
    }
}

std::size_t KeyRing::size() const {
    std::lock_guard lock(mutex_);
    return held_.size();
}

void KeyRing::drop(Place place) {
    places_.erase(place->org.str());
    held_.erase(place);
}

} // namespace fairlead::tunnels
