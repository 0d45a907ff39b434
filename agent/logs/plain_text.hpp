/// Text of a stranger's log, fit for a page and a file.
#pragma once

#include <string>
#include <string_view>

namespace fairlead::logs {

/// Valid UTF-8 of at most `most` bytes without control characters but tab and line feed: escape
/// sequences of terminals are left out, what is no UTF-8 becomes U+FFFD. `cut`: there was more.
std::string plain_text(std::string_view bytes, std::size_t most, bool& cut);

} // namespace fairlead::logs
