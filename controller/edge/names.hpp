/// Whose a name is that a client asks for: the controller's own, an environment's, or nobody's.
#pragma once

#include "controller/edge/table.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace fairlead::edge {

enum class Side {
    own,    ///< console and API
    routed, ///< an environment
    nobody,
};

/// The controller's own names win over every table, so that no domain of an organization takes the
/// console's place.
class Names {
public:
    /// Whether the controller's certificate is good for a name. Called on the thread of side_of().
    using Covers = std::function<bool(std::string_view)>;

    Names(const std::vector<std::string>& own, Covers covers);

    /// `name` is of SNI or of a Host field, without a port; none at all and addresses are ours.
    Side side_of(std::string_view name, const Table& table) const;

private:
    std::unordered_set<std::string> own_;
    Covers covers_;
};

} // namespace fairlead::edge
