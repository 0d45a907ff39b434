/// Gives fleet the certificates of authority.
#pragma once

#include "controller/authority/authority.hpp"
#include "controller/fleet/issuer.hpp"

namespace fairlead::app {

class Issuer final : public fleet::Issuer {
public:
    explicit Issuer(authority::Authority& authority) : authority_(authority) {}

    Result<fleet::IssuedCertificate> enrol(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server, std::string_view csr
    ) override {
        return again(unit, scope, server, csr);
    }
    Result<fleet::IssuedCertificate> again(
        store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server, std::string_view csr
    ) override {
        FAIRLEAD_TRY(issued, authority_.issue(unit, scope, server, csr));
        return fleet::IssuedCertificate{
            std::move(issued.certificate), std::move(issued.serial), issued.not_after, std::move(issued.ca)};
    }
    Result<> revoke(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server) override {
        return authority_.forget(unit, scope, server);
    }
    Result<> told(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server) override {
        return authority_.told(unit, scope, server);
    }
    Result<std::string> trusted(store::Connection& db) override { return authority_.trusted(db); }

private:
    authority::Authority& authority_;
};

}  // namespace fairlead::app
