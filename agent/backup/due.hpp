/// What this server asks of itself: a timer, or root at the keyboard, leaves a note, and the
/// executor makes an operation of it.
#pragma once

#include "agent/deploy/layout.hpp"
#include "common/runtime/clock.hpp"
#include "proto/messages.hpp"

#include <functional>
#include <string>
#include <vector>

namespace fairlead::backup {

/// Takes an operation, and says whether it did; see Executor::begin.
using Begin = std::function<bool(proto::Operation, const proto::Born&)>;

/// Makes operations of all notes. A note goes when its operation is in the journal, or when it can
/// never become one, which is logged.
void take_due(const deploy::Layout& layout, const Clock& clock, const Begin& begin);

/// Leaves a note ("backup" or "drill", for an environment) and wakes the executor until it is
/// taken. For `fairlead-agent due`, as root.
Result<> ask_for(const deploy::Layout& layout, const std::string& what, const std::string& slug);

/// A restore that root asks for at the keyboard, with what only root has.
struct RestoreNote {
    std::string operation; ///< "op_…"; `ask_to_restore` makes it
    proto::RestoreArgs args;
    std::string secret_key;
    std::string session_token;
    std::vector<std::string> identities;
};
BOOST_DESCRIBE_STRUCT(RestoreNote, (), (operation, args, secret_key, session_token, identities))

/// The same for a restore. Gives the operation's id.
Result<std::string>
ask_to_restore(const deploy::Layout& layout, const std::string& slug, RestoreNote note);

} // namespace fairlead::backup
