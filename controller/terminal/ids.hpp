/// What terminals are known by.
#pragma once

#include "common/runtime/id.hpp"

namespace fairlead::terminal {

FAIRLEAD_ID(TerminalId, "term_", "terminal");

} // namespace fairlead::terminal
