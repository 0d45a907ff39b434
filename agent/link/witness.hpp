/// What this server has seen of its organization's audit log. A controller whose log was rewritten,
/// or that shows different servers different logs, is found by those that remember.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/result.hpp"
#include "proto/messages.hpp"

#include <filesystem>
#include <string>

namespace fairlead::link {

/// The key and the log's name are those of the first checkpoint that came; from then on each one
/// must prove that it goes on from the one before. One that does not is evidence: it is kept, with
/// the reason, until a person resets it, and the state before it stays what later ones must go on
/// from. One thread at a time.
class Witness {
public:
    /// Reads the file. One that is damaged is an alarm by itself.
    explicit Witness(std::filesystem::path file);

    /// For the hello.
    const proto::Witness& held() const { return held_.witness; }

    /// True where the checkpoint was a fork and none was known before; `held` tells all else. The
    /// file is as new as `held`, unless the disk is full: then the log says so.
    bool judge(const proto::AuditCheckpoint& checkpoint, Timestamp now);

    /// Forgets everything: the next checkpoint is taken as the first.
    static Result<std::string> forget(const std::filesystem::path& folder);

    static std::filesystem::path file_in(const std::filesystem::path& folder) {
        return folder / "witness.json";
    }

    struct Held {
        proto::Witness witness;
        std::string origin;    ///< the log's name
        std::string note;      ///< of the state that is held
        std::string fork_key;  ///< of the state that was refused first
        std::string fork_note; ///< the evidence: that state, signed
    };

private:
    Result<Held> next(const proto::AuditCheckpoint& checkpoint) const;
    void save() const;

    std::filesystem::path file_;
    Held held_;
};

} // namespace fairlead::link
