/// Whether a push is one that an environment is made of.
#pragma once

#include "controller/pushes/payload.hpp"

#include <string>
#include <vector>

namespace fairlead::pushes {

/// A repository that an environment is made of, and the branch of it.
struct Source {
    std::string name; ///< "odoo", or the addon repository's
    std::string url;
    std::string branch;
    bool counts = true;
};

struct Judgement {
    std::string reason; ///< why it deploys nothing; "": it deploys
    std::string detail; ///< a sentence for people
    std::string branch; ///< of the change that was looked at; "" where it was none of a branch
    std::string commit;
    /// It will be judged the same whatever is changed in the settings: nobody needs it again.
    bool settled = false;
};

/// Reasons: ping, other_event, other_repository, tag, branch_deleted, other_branch.
Judgement
judge(const Delivery& delivery, const Payload& payload, const std::vector<Source>& sources);

} // namespace fairlead::pushes
