/// ACME by uacme (https://github.com/ndilieto/uacme), a program of its own.
#pragma once

#include "controller/certificates/client.hpp"
#include "controller/egress/allow.hpp"
#include "controller/outbound/way.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::certificates {

/// An account that the authority's customers have apart from ACME (RFC 8555, section 7.3.4).
struct ExternalAccount {
    std::string key_id;
    Secret key; ///< base64url
};

/// One run at a time. Each has a folder, a clean environment, a time limit and bounded output; when
/// a function returns, nothing of it is left.
class Uacme final : public Client {
public:
    struct Parts {
        std::string program = "uacme";
        std::string hook;           ///< the absolute path of a program that calls run_hook
        std::filesystem::path base; ///< as place_for_runs has it
        /// Null: straight, as libcurl does it.
        std::shared_ptr<outbound::Way> way;
        Challenges challenges;
        std::optional<ExternalAccount> external;
        std::chrono::seconds limit = std::chrono::minutes(5);
    };
    explicit Uacme(Parts parts) : parts_(std::move(parts)) {}

    Result<> enrol(const Account& account, const std::stop_token& stop) override;
    Result<std::string>
    issue(const Account& account, const Order& order, const std::stop_token& stop) override;

    static constexpr std::size_t most_output = 64 * 1024, largest_chain = 64 * 1024;

private:
    struct Run;
    /// Whether a run that failed did well all the same, by its output.
    using Well = bool (*)(std::string_view output);
    Result<Run> prepare(const Account& account) const;
    Result<std::string>
    end(const Run& run, std::vector<std::string> words, const Account& account,
        const std::stop_token& stop, Well also = nullptr) const;

    Parts parts_;
};

inline constexpr std::size_t longest_directory = 500;

/// Where the directory is: the only place that the client may reach. Errc::invalid unless it is an
/// https URL of a host in lower case.
Result<egress::Place> place_of(const std::string& directory);

} // namespace fairlead::certificates
