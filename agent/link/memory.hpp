/// Keeps an idle agent small.
#pragma once

namespace fairlead::link {

/// Gives free heap back to the system, and the pages of program and libraries that only the start
/// or a handshake needed: what is used again comes back from the page cache. Costs about a
/// millisecond; for moments of idleness.
void give_memory_back();

} // namespace fairlead::link
