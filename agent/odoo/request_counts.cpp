#include "agent/odoo/request_counts.hpp"

#include "common/runtime/plain_file.hpp"

#include <cstring>

namespace fairlead::odoo {
namespace {

/// As serve.py writes it, by the machine's own byte order: the mark, then three numbers.
struct Layout {
    char mark[8];
    std::uint64_t requests, failures, ms;
};
static_assert(sizeof(Layout) == 32);

} // namespace

Result<RequestCounts> read_request_counts(const std::filesystem::path& file) {
    auto content = read_plain_file(file, sizeof(Layout));
    Layout found{};
    if (content && content->size() == sizeof found)
        std::memcpy(&found, content->data(), sizeof found);
    if (std::memcmp(found.mark, "FLREQ001", sizeof found.mark) != 0)
        return fail(Errc::not_found, "No requests are counted there.");
    return RequestCounts{found.requests, found.failures, found.ms};
}

} // namespace fairlead::odoo
