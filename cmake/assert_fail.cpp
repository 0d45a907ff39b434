// What a failed check inside the standard library does. The texts that libstdc++ would print with
// it, names of its own functions with all their template arguments, are 70 KB of the agent. Nothing
// reads them here, so the linker leaves them out.
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace std {

[[noreturn]] void __glibcxx_assert_fail(const char*, int, const char*, const char*) noexcept {
    constexpr string_view text = "terminate: a check of the standard library failed\n";
    [[maybe_unused]] auto written = ::write(STDERR_FILENO, text.data(), text.size());
    abort();
}

} // namespace std
