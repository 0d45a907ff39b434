// What the arguments of the agent's own update may look like.
#include "agent/policy/shape.hpp"
#include "agent/policy/text.hpp"

namespace fairlead::policy {
namespace {

constexpr std::size_t largest_sums = 16 << 10;
constexpr std::size_t longest_signature = 128; // base64 of 64 bytes takes 88

} // namespace

Result<> check(const proto::AgentUpdateArgs& args) {
    FAIRLEAD_CHECK(check_agent_version(args.version));
    // A name, never a path, and never an option of dpkg's.
    auto expected = fmt::format("fairlead-agent_{}_amd64.deb", args.version);
    if (args.package != expected)
        return wrong("package", args.package, "that of this version is called " + expected);
    if (args.sums.empty() || args.sums.size() > largest_sums)
        return fail(
            Errc::invalid,
            fmt::format("The checksums are empty or larger than {} bytes.", largest_sums)
        );
    if (args.signature.empty() || args.signature.size() > longest_signature)
        return fail(Errc::invalid, "The signature of the checksums has the wrong length.");
    return {};
}

Result<> check_agent_version(std::string_view version) {
    int dots = 0;
    bool after_number = false, good = version.size() <= 32;
    for (char c : version) {
        bool number = digit(c);
        good = good && (number || (c == '.' && after_number));
        if (c == '.') ++dots;
        after_number = number;
    }
    if (good && after_number && dots >= 1 && dots <= 3) return {};
    return wrong("version of the agent", version, "numbers with dots between them are");
}

} // namespace fairlead::policy
