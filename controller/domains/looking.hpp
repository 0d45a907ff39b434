/// Looks for the proof of a claim where it is to be: in the name's DNS, or in a file that its web
/// server gives out.
#pragma once

#include "controller/domains/domain_repo.hpp"
#include "controller/outbound/challenges.hpp"

#include <string>

namespace fairlead::domains {

enum class Finding {
    found,
    missing, ///< the name says so, or nothing answers for it
    unknown  ///< nobody could say: no name server answers, or the controller's own way out is shut
};

struct Looked {
    Finding finding = Finding::unknown;
    Method method = Method::none; ///< by which it was found
    std::string code, message;    ///< "" when it was found
};

/// "fairlead-domain=<token>": the value of the TXT record.
std::string record_value(const Domain& domain);
/// "/.well-known/fairlead-challenge/<token>"
std::string file_path(const Domain& domain);
/// What the file holds. Not its name: a server that repeats what it is asked for proves nothing.
std::string file_text(const Domain& domain);

/// Blocking, for worker threads.
class Looker {
public:
    virtual ~Looker() = default;
    virtual Looked look(const Domain& domain) = 0;
};

/// The record first; then, for a name without a star, the file: by https, and by http where https
/// brings no answer. Thread-safe. Takes 24 s at most.
class OutsideLooker final : public Looker {
public:
    OutsideLooker(outbound::Outbound& outbound, outbound::Challenges& challenges)
        : outbound_(outbound), challenges_(challenges) {}
    Looked look(const Domain& domain) override;

private:
    Looked look_at_record(const Domain& domain);
    Looked look_at_file(const Domain& domain);

    outbound::Outbound& outbound_;
    outbound::Challenges& challenges_;
};

} // namespace fairlead::domains
