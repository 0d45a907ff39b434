/// What uacme's words mean.
#pragma once

#include "common/runtime/result.hpp"

#include <string>
#include <string_view>

namespace fairlead::certificates {

/// The longest sentence of an authority that people are shown.
inline constexpr std::size_t most_shown = 600;

/// Out of everything that it said before it failed; codes and facts as Client has them. Whatever
/// the text is, message and fact are printable, of bounded length, and ones that a person can act
/// on.
Error failure_in(std::string_view output, std::string_view directory);

/// Of a run that registers: it did so before, which uacme calls a failure.
bool is_registered(std::string_view output);

} // namespace fairlead::certificates
