/// The kernel's random numbers.
#pragma once

#include "common/runtime/secret.hpp"

#include <cstddef>
#include <string>

namespace fairlead::crypto {

/// Call once at start of every program; throws when libsodium cannot start. Everything in this
/// folder needs it. Safe to call again and from several threads.
void start();

std::string random_bytes(std::size_t count);
Secret random_secret(std::size_t count);

} // namespace fairlead::crypto
