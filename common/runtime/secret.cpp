#include "common/runtime/secret.hpp"

#include <string.h>

#include <utility>

namespace fairlead {

void wipe(std::string& value) {
    value.resize(value.capacity());
    explicit_bzero(value.data(), value.size());
    value.clear();
}

Secret::Secret(Secret&& other) noexcept : value_(other.value_) {
    wipe(other.value_);
}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        wipe(value_);
        value_ = other.value_;
        wipe(other.value_);
    }
    return *this;
}

Secret::~Secret() {
    wipe(value_);
}

bool Secret::equals(std::string_view other) const {
    if (value_.size() != other.size()) return false;
    unsigned char difference = 0;
    for (std::size_t i = 0; i < value_.size(); ++i)
        difference |= static_cast<unsigned char>(value_[i] ^ other[i]);
    return difference == 0;
}

} // namespace fairlead
