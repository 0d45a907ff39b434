import { Alert } from "@mantine/core";
import type { Environment } from "../../api/types";
import { Mono } from "../../ui/bits";
import { Icon } from "../../ui/Icon";

export const exposureNames: Record<Environment["exposure"], string> = {
  port: "on its server alone",
  tunnel: "through Fairlead",
  direct: "at its server",
  cloudflared: "through Cloudflare, by cloudflared",
};

export const connectorStates: Record<Environment["connector"]["state"], string> = {
  none: "does not run",
  connected: "connected to Cloudflare",
  disconnected: "not connected to Cloudflare",
  unknown: "nobody can know, since its server is not connected",
};

/** What a person has to do outside of this form before anybody comes by the domains. */
export function WhatNext({ exposure, domains, port, workers }: { exposure: Environment["exposure"]; domains: readonly string[]; port: number | string; workers: number | string }) {
  if (exposure === "port") return null;
  if (exposure === "cloudflared") return <AtCloudflare port={port} workers={Number(workers)} />;
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

function AtCloudflare({ port, workers }: { port: number | string; workers: number }) {
  const known = port !== "" && Number(port) > 0;
  return (
    <Alert color="petrol" icon={<Icon name="info" />} title="What to do next">
      <ol className="fl-problem-fields" style={{ margin: 0 }}>
        <li>On the server, root installs the package cloudflared from Cloudflare&apos;s own package repository, and allows “cloudflared” under “exposure” in the server&apos;s policy.</li>
        <li>
          At Cloudflare, make a tunnel of the kind cloudflared. Let its public hostname lead to the service{" "}
          {known ? <Mono>{`http://localhost:${port}`}</Mono> : "http://localhost with the port that this environment gets"}, and set the same name as its HTTP Host
          Header: by that Odoo knows that people come by https.
        </li>
        {workers > 0 && (
          <li>
            Before that one, let the path <Mono>websocket</Mono> of the same hostname lead to {known ? <Mono>{`http://localhost:${Number(port) + 1}`}</Mono> : "the port after it"}, with the same HTTP
            Host Header.
          </li>
        )}
        <li>Set the tunnel&apos;s token in this environment&apos;s settings, and deploy.</li>
      </ol>
    </Alert>
  );
}
