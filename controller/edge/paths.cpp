#include "controller/edge/paths.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

namespace fairlead::edge {
namespace {

using namespace std::string_view_literals;

constexpr std::array proofs{".well-known"sv, "fairlead-challenge"sv};

/// Once, as web servers do. What is no escape stays as it is.
std::string decoded(std::string_view path) {
    std::string out;
    out.reserve(path.size());
    for (std::size_t i = 0; i < path.size(); ++i) {
        char c = path[i];
        if (c == '%' && i + 2 < path.size()) {
            const char* end = path.data() + i + 3;
            unsigned char byte = 0;
            if (std::from_chars(end - 2, end, byte, 16).ptr == end) {
                c = static_cast<char>(byte);
                i += 2;
            }
        }
        out += c;
    }
    return out;
}

} // namespace

bool is_proof_of_name(std::string_view path) {
    auto plain = decoded(path);
    std::vector<std::string_view> segments;
    for (std::string_view rest = plain; !rest.empty();) {
        auto slash = rest.find('/');
        auto segment = rest.substr(0, slash);
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
        if (segment.empty() || segment == ".") continue;
        if (segment != "..")
            segments.push_back(segment);
        else if (!segments.empty())
            segments.pop_back();
    }
    return segments.size() >= proofs.size() &&
           std::equal(proofs.begin(), proofs.end(), segments.begin());
}

} // namespace fairlead::edge
