// What std::terminate says before it aborts. libstdc++'s own words name the exception's type, and
// for that bring along a demangler: 60 KB of each program that is linked statically.
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <string_view>

namespace {

void say(std::string_view text) noexcept {
    [[maybe_unused]] auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

} // namespace

namespace __gnu_cxx {

void __verbose_terminate_handler() {
    say("terminate: ");
    try {
        if (auto current = std::current_exception()) std::rethrow_exception(current);
        say("without an exception");
    } catch (const std::exception& error) {
        say(error.what());
    } catch (...) {
        say("an exception that is no std::exception");
    }
    say("\n");
    std::abort();
}

} // namespace __gnu_cxx
