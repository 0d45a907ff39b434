#include "controller/install/packages.hpp"

#include "common/crypto/encoding.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace fairlead::install {
namespace {

constexpr std::size_t largest_text = 64 << 10;
constexpr std::size_t longest_name = 120;
constexpr std::array<std::string_view, 3> always = {
    "SHA256SUMS", "SHA256SUMS.sig", "signing-key.pub"};

// A name, never a path: no slash, no leading dot or dash.
bool is_name(std::string_view name) {
    auto letter_or_digit = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !name.empty() && name.size() <= longest_name && letter_or_digit(name.front()) &&
           std::ranges::all_of(name, [&](char c) {
               return letter_or_digit(c) ||
                      std::string_view("._+~-").find(c) != std::string_view::npos;
           });
}

/// Puts `value` where `name` stands; false unless it stands there exactly once.
bool fill(std::string& text, std::string_view name, std::string_view value) {
    auto at = text.find(name);
    if (at == std::string::npos || text.find(name, at + 1) != std::string::npos) return false;
    text.replace(at, name.size(), value);
    return true;
}

/// `each(sum, name)` for each line of SHA256SUMS.
template <class Each>
void each_file(std::string_view sums, Each each) {
    while (!sums.empty()) {
        auto line = sums.substr(0, sums.find('\n'));
        sums.remove_prefix(std::min(sums.size(), line.size() + 1));
        // 64 hexadecimal digits, a space, a space or an asterisk, the name.
        if (line.size() > 66) each(line.substr(0, 64), line.substr(66));
    }
}

/// A file that packaging/release always makes; the caller is not told where it should have been.
Result<std::string> made(const std::filesystem::path& file, std::size_t limit) {
    auto content = read_file(file, limit);
    if (!content)
        return fail(
            Errc::unavailable,
            "This controller has no agent packages to hand out. Its administrator installs the "
            "package "
            "fairlead-controller, or runs packaging/release and names its folder in the "
            "configuration.",
            content.error().message()
        );
    return std::move(*content);
}

} // namespace

Result<std::string> Packages::script(const Face& face) const {
    FAIRLEAD_CHECK(check(face));
    FAIRLEAD_TRY(text, made(folder_ / "install.sh", largest_text));
    for (auto [name, value] :
         {std::pair{"'@CONTROLLER_URL@'", face.url}, std::pair{"'@CONTROLLER_PIN@'", face.pin}})
        if (!fill(text, name, fmt::format("'{}'", value)))
            return fail(
                Errc::internal,
                "The install script of this controller is broken; reinstall the package "
                "fairlead-controller.",
                fmt::format("{}: {} must stand there once", (folder_ / "install.sh").string(), name)
            );
    return std::move(text);
}

Result<std::string> Packages::file(std::string_view name) const {
    if (!is_name(name)) return fail(Errc::not_found, "There is no such file.");
    if (std::ranges::find(always, name) != always.end()) return made(folder_ / name, largest_text);
    FAIRLEAD_CHECK(listed(name));
    return made(folder_ / name, largest_package);
}

Result<> Packages::listed(std::string_view name) const {
    FAIRLEAD_TRY(sums, made(folder_ / "SHA256SUMS", largest_text));
    bool found = false;
    each_file(sums, [&](std::string_view, std::string_view file) {
        found = found || file == name;
    });
    if (found) return {};
    return fail(Errc::not_found, fmt::format("There is no agent package {}.", name));
}

Result<Offer> Packages::offer() const {
    FAIRLEAD_TRY(sums, made(folder_ / "SHA256SUMS", largest_text));
    FAIRLEAD_TRY(signature, made(folder_ / "SHA256SUMS.sig", largest_text));
    constexpr std::string_view before = "fairlead-agent_", behind = "_amd64.deb";
    Offer offer;
    each_file(sums, [&](std::string_view sum, std::string_view file) {
        if (!file.starts_with(before) || !file.ends_with(behind)) return;
        if (file.size() <= before.size() + behind.size()) return;
        offer.package = file;
        offer.sha256 = sum;
        file.remove_prefix(before.size());
        file.remove_suffix(behind.size());
        offer.version = file;
    });
    if (offer.version.empty())
        return fail(
            Errc::unavailable,
            "This controller has no agent package for Debian and Ubuntu to hand out. Its "
            "administrator installs the package fairlead-controller again."
        );
    offer.sums = sums;
    offer.signature = crypto::base64_encode(signature);
    return offer;
}

Result<FilePart>
Packages::part(std::string_view name, std::size_t offset, std::size_t limit) const {
    FAIRLEAD_TRY(content, file(name));
    if (offset >= content.size())
        return fail(Errc::not_found, fmt::format("{} has no byte {}.", name, offset));
    return FilePart{content.substr(offset, limit), content.size()};
}

} // namespace fairlead::install
