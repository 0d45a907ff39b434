#include "agent/link/memory.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace fairlead::link {

namespace {

/// Only segments that were never writable: their pages are the file's, whatever happens to them.
int drop_code(dl_phdr_info* object, std::size_t, void*) {
    auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const auto& part = object->dlpi_phdr[i];
        if (part.p_type != PT_LOAD || (part.p_flags & PF_W)) continue;
        auto begin = (object->dlpi_addr + part.p_vaddr + page - 1) & ~(page - 1);
        auto end = (object->dlpi_addr + part.p_vaddr + part.p_memsz) & ~(page - 1);
        if (end > begin) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
    return 0;
}

} // namespace

void give_memory_back() {
    ::malloc_trim(0);
    ::dl_iterate_phdr(drop_code, nullptr);
}

} // namespace fairlead::link
