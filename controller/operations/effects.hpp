/// What other subjects do when their operations move.
#pragma once

#include "common/runtime/result.hpp"
#include "common/store/store.hpp"
#include "controller/operations/model.hpp"

#include <map>
#include <optional>
#include <string>

namespace fairlead::operations {

/// Called inside the transaction that moves the operation, on the writer thread: SQL only, no
/// waiting.
class Effects {
public:
    virtual ~Effects() = default;

    /// The values for Operation::secrets, at each delivery. An error ends the operation as failed
    /// with its sentence.
    virtual Result<std::map<std::string, std::string>> secrets(
        store::Connection& db, const api::OrgScope& scope, const Operation& operation,
        const std::string& args
    ) = 0;

    /// The state is another one now, and stored.
    virtual Result<>
    moved(store::UnitOfWork& unit, const api::OrgScope& scope, const Operation& operation) = 0;

    /// It reached its final state; before `moved`. `finished` came from the server or says why
    /// nothing did.
    virtual Result<> finished(
        store::UnitOfWork& unit, const api::OrgScope& scope, const Operation& operation,
        const std::string& args, const proto::Finished& finished
    ) = 0;

    /// A server says that it began an operation by itself. What it is, checked against what is
    /// stored: kind, target, arguments; nothing where it is none of this subject's, or is not to be
    /// believed. Everything in `born` is the server's word.
    virtual Result<std::optional<NewOperation>>
    born(store::UnitOfWork&, const api::OrgScope&, const ServerId&, const proto::Born&) {
        return std::optional<NewOperation>();
    }
    /// It was taken over, and is stored with these arguments.
    virtual Result<>
    taken_over(store::UnitOfWork&, const api::OrgScope&, const Operation&, const std::string&) {
        return {};
    }
};

} // namespace fairlead::operations
