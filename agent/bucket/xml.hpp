/// The part of XML that S3 answers with: elements and text. No document types, no entities but the
/// five of XML itself, attributes read over; everything bounded.
#pragma once

#include "common/runtime/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::bucket {

struct Xml {
    std::string name; ///< without a namespace's prefix
    std::string text; ///< of an element without children
    std::vector<Xml> children;

    /// The first child of that name, or null.
    const Xml* find(std::string_view child) const;
    /// Its text; empty where it is absent.
    std::string_view at(std::string_view child) const;
};

inline constexpr std::size_t max_xml_bytes = std::size_t(4) << 20;
inline constexpr std::size_t max_xml_elements = 20'000;
inline constexpr std::size_t max_xml_depth = 12;

/// White space before the document is fine: servers send it to keep a connection. Errc::invalid
/// with the byte where it went wrong.
Result<Xml> read_xml(std::string_view text);

/// For text between tags.
std::string xml_escape(std::string_view text);

} // namespace fairlead::bucket
