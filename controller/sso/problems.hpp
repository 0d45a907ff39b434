/// What a person is told who comes back from a provider and is not let in.
#pragma once

#include "common/runtime/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace fairlead::sso {

/// The code for the address of the sign-in page: one of those that `sentence_of` knows.
std::string problem_code(const Error& error);

/// What happened and what to do, for a code; nothing for codes that are none of ours. The page gets
/// it from us and not from its address, where anybody could write anything.
std::optional<std::string> sentence_of(std::string_view code);

} // namespace fairlead::sso
