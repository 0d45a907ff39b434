import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { certificatesQuery, customHostnamesQuery } from "../../api/certificates";
import { api, need } from "../../api/client";
import type { Certificate, CustomHostname } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { May, useOrg } from "../../app/access";
import { byName, standing, standingThere } from "../../lib/certificates";
import { Mono } from "../../ui/bits";
import { Empty, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { useNow, When } from "../../ui/time";

/** Certificates of the names that lead to environments through the tunnel. */
export default function Certificates() {
  const org = useOrg();
  const certificates = useQuery(certificatesQuery(org));
  const hostnames = useQuery(customHostnamesQuery(org));
  return (
    <div className="fl-stack">
      <p className="fl-dim fl-words">
        Each name that leads to an environment through the tunnel gets a certificate of its own once its domain is verified, and a new one after two thirds of its life. Nobody has to do anything for it.
      </p>
      {!!hostnames.data?.length && (
        <Panel title="Served by Cloudflare" flush>
          <Table label="Names that Cloudflare serves" head={["Name", "State", "CNAME to set", "Next look"]}>
            {byName(hostnames.data).map((one) => (
              <There key={one.id} hostname={one} />
            ))}
          </Table>
        </Panel>
      )}
      <Panel title="Certificates" flush>
        <Loaded query={certificates}>
          {(list) =>
            list.length ? (
              <Table label="Certificates" head={["Name", "State", "Good until", "Next", ""]}>
                {byName(list).map((one) => (
                  <Line key={one.id} certificate={one} />
                ))}
              </Table>
            ) : hostnames.data?.length ? (
              <Empty icon="lock" title="None of this controller's">
                Cloudflare stands before the names above, and shows visitors certificates of its own.
              </Empty>
            ) : (
              <Empty icon="lock" title="No certificate yet">
                Verify a domain, give one of its names to an environment, and let that be reached by the tunnel.
              </Empty>
            )
          }
        </Loaded>
      </Panel>
    </div>
  );
}

function Line({ certificate }: { certificate: Certificate }) {
  const [tone, word] = standing(certificate, useNow());
  return (
    <Row>
      <td>
        <Mono>{certificate.name}</Mono>
        {certificate.issuer && <span className="fl-sub">by {certificate.issuer}</span>}
      </td>
      <td data-name="State" className="fl-quiet">
        <Lamp tone={tone} pulse={certificate.running}>
          {word}
        </Lamp>
        {certificate.error && <span className="fl-sub fl-says">{certificate.error.message}</span>}
      </td>
      <td data-name="Good until">
        <When time={certificate.not_after} />
      </td>
      <td data-name="Next">
        <When time={certificate.next_attempt_at} />
      </td>
      <td className="fl-acts">
        <May permission="certificates.renew">
          <Renew certificate={certificate} />
        </May>
      </td>
    </Row>
  );
}

function There({ hostname }: { hostname: CustomHostname }) {
  const [tone, word] = standingThere(hostname);
  return (
    <Row>
      <td>
        <Mono>{hostname.name}</Mono>
        <span className="fl-sub">by {hostname.served_by}</span>
      </td>
      <td data-name="State" className="fl-quiet">
        <Lamp tone={tone}>{word}</Lamp>
        {hostname.error && <span className="fl-sub fl-says">{hostname.error.message}</span>}
      </td>
      <td data-name="CNAME to set">{hostname.cname_target && <Mono>{hostname.cname_target}</Mono>}</td>
      <td data-name="Next look">
        <When time={hostname.next_look_at} />
      </td>
    </Row>
  );
}

function Renew({ certificate }: { certificate: Certificate }) {
  const org = useOrg();
  const renew = useAct({
    run: (_: void, key) =>
      need(api.POST("/api/v1/orgs/{org}/certificates/{certificate}/renew", { params: { path: { org, certificate: certificate.id }, header: { "Idempotency-Key": key } } })),
    done: () => tell(`A certificate for ${certificate.name} is asked for.`),
  });
  if (certificate.error?.code === "acme_not_configured") return null;
  return (
    <Button size="xs" variant="default" disabled={certificate.running} loading={renew.isPending} onClick={() => renew.mutate()} aria-label={`Ask now for a certificate for ${certificate.name}`}>
      Ask now
    </Button>
  );
}
