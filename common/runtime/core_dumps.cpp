#include "common/runtime/core_dumps.hpp"

#include <sys/resource.h>

namespace fairlead {

void forbid_core_dumps() {
    // systemd-coredump, which takes cores through a pipe, keeps to this limit too.
    rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
}

} // namespace fairlead
