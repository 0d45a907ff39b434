import { Alert } from "@mantine/core";
import type { Environment } from "../../api/types";
import { Icon } from "../../ui/Icon";

export const exposureNames: Record<Environment["exposure"], string> = {
  port: "on its server alone",
  tunnel: "through Fairlead",
  direct: "at its server",
};

/** What a person has to do outside of this form before anybody comes by the domains. */
export function WhatNext({ exposure, domains }: { exposure: Environment["exposure"]; domains: readonly string[] }) {
  if (exposure === "port") return null;
  if (!domains.length) {
    return (
      <Alert color="brass" icon={<Icon name="warning" />}>
        Name at least one domain: people reach it by nothing else.
      </Alert>
    );
  }
  const [first] = domains;
  return (
    <Alert color="petrol" icon={<Icon name="info" />} title="What to do next">
      {exposure === "tunnel" ? (
        <>
          Prove that {domains.length === 1 ? first : "each domain"} is yours, and make its DNS record a CNAME to this controller&apos;s host name. Then
          deploy.
        </>
      ) : (
        <>
          Make an A record (and an AAAA record, where the server has such an address) of {domains.length === 1 ? first : "each domain"} with the server&apos;s
          public address, and let its firewall accept ports 80 and 443. Then deploy.
        </>
      )}
    </Alert>
  );
}
