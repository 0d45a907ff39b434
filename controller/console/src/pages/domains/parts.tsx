import type { Domain, HostName } from "../../api/types";
import { useHref, useMay } from "../../app/access";
import { claimWord } from "../../lib/claims";
import { LinkTo } from "../../ui/bits";
import { Lamp } from "../../ui/status";
import { When } from "../../ui/time";

export function DomainLamp({ domain }: { domain: Domain }) {
  const { tone, word, pulse } = claimWord(domain);
  return (
    <Lamp tone={tone} pulse={pulse}>
      {word}
    </Lamp>
  );
}

/** When it was, or will be, in a line. */
export function Since({ domain }: { domain: Domain }) {
  if (domain.state === "failed")
    return (
      <>
        since <When time={domain.failed_at} />
      </>
    );
  if (domain.state === "pending")
    return (
      <>
        ends <When time={domain.expires_at} />
      </>
    );
  if (domain.fails_at)
    return (
      <>
        not routed any more <When time={domain.fails_at} />
      </>
    );
  return (
    <>
      by {domain.method === "file" ? "its file" : "DNS"}, looked at <When time={domain.checked_at} />
    </>
  );
}

const standings: Record<HostName["state"], ["good" | "warn" | "bad" | "idle", string]> = {
  verified: ["good", "Proved"],
  pending: ["warn", "Waits for its proof"],
  failed: ["bad", "Proof not found"],
  unclaimed: ["idle", "Not claimed"],
};

/** The names of an environment, and why one is not routed. */
export function HostNames({ names }: { names: HostName[] }) {
  const may = useMay();
  const href = useHref();
  const open = names.some(({ state }) => state !== "verified");
  return (
    <div className="fl-host-names">
      {names.map(({ name, state }) => {
        const [tone, word] = standings[state];
        return (
          <div key={name}>
            <span className="fl-mono">{name}</span> <Lamp tone={tone}>{word}</Lamp>
          </div>
        );
      })}
      {open && may("domains.view") && <LinkTo href={href("/settings/domains")}>What proves a domain</LinkTo>}
    </div>
  );
}
