#include "agent/host/network.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::host;

namespace {

/// As ufw leaves it with its default, "deny incoming": what iptables-nft makes of its rules.
constexpr std::string_view ufw = R"(table ip filter {
	chain INPUT {
		type filter hook input priority filter; policy drop;
		counter jump ufw-before-logging-input
		counter jump ufw-before-input
		counter jump ufw-after-input
	}

	chain ufw-before-logging-input {
	}

	chain ufw-before-input {
		iifname "lo" counter accept
		ct state related,established counter accept
		ct state invalid counter drop
		udp sport 67 udp dport 68 counter accept
		counter jump ufw-not-local
		counter jump ufw-user-input
	}

	chain ufw-after-input {
		udp dport 137 counter jump ufw-skip-to-policy-input
	}

	chain ufw-user-input {
		tcp dport 22 counter accept
	}

	chain ufw-skip-to-policy-input {
		counter drop
	}

	chain ufw-not-local {
		fib daddr type local counter return
		counter drop
	}
}
)";

std::string with(std::string_view text, std::string_view from, std::string_view to) {
    std::string changed(text);
    auto at = changed.find(from);
    REQUIRE(at != std::string::npos);
    return changed.replace(at, from.size(), to);
}

using Blocks = std::vector<std::string>;

} // namespace

TEST_SUITE("agent/host/network") {

    TEST_CASE("a policy that drops blocks nothing where a chain that it leads to lets loopback in"
    ) {
        CHECK(blocks_of(ufw, 8069) == Blocks{});
        // Also by way of a third.
        CHECK(
            blocks_of(
                R"(table inet a {
	chain input { 
		type filter hook input priority 0; policy drop;
		jump first
	}
	chain first {
		goto second
	}
	chain second {
		iif "lo" accept
		jump first
	}
}
)",
                8069
            ) == Blocks{}
        );
        CHECK(blocks_of(with(ufw, "policy drop", "policy accept"), 8069) == Blocks{});
    }

    TEST_CASE("a policy that drops is told where nothing on the way lets loopback in") {
        Blocks told{"filter INPUT: policy drop"};
        CHECK(blocks_of(with(ufw, "iifname \"lo\" counter accept", ""), 8069) == told);
        CHECK(blocks_of(with(ufw, "counter jump ufw-before-input", ""), 8069) == told);
        CHECK(
            blocks_of(
                with(
                    ufw, "counter jump ufw-before-input",
                    "iifname \"eth0\" counter jump ufw-before-input"
                ),
                8069
            ) == told
        );
        // The chain of that name in another table is another one.
        auto other = with(ufw, "counter jump ufw-before-input", "counter jump elsewhere") +
                     "table ip6 filter {\n\tchain elsewhere {\n\t\tiifname \"lo\" accept\n\t}\n}\n";
        CHECK(blocks_of(other, 8069) == told);
    }

    TEST_CASE("a rule that drops or rejects the port is told, and no other port's") {
        auto rules = with(ufw, "tcp dport 22 counter accept", "tcp dport { 80, 8069 } reject");
        CHECK(
            blocks_of(rules, 8069) == Blocks{"filter ufw-user-input: tcp dport { 80, 8069 } reject"}
        );
        CHECK(blocks_of(rules, 806) == Blocks{});
    }
}
