import { Button, Modal } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Fragment, useState } from "react";
import { useHref, useMay, useOrg } from "../../app/access";
import { releasesQuery } from "../../api/environments";
import type { Commit, Environment, Release } from "../../api/types";
import { LinkTo, Mono } from "../../ui/bits";
import { CopyButton } from "../../ui/Command";
import { Empty, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { When } from "../../ui/time";
import { Icon } from "../../ui/Icon";
import { ReleaseLamp } from "../../ui/status";
import { RollBack } from "./RollBackDialog";
import { isBusy } from "./taken";
import { More } from "../../ui/More";

export function Releases({ environment }: { environment: Environment }) {
  const org = useOrg();
  const may = useMay();
  const releases = useInfiniteQuery(releasesQuery(org, environment.id));
  const [open, setOpen] = useState<string | null>(null);
  const [target, setTarget] = useState<Release | null>(null);
  const busy = isBusy(environment);

  return (
    <Panel title="Releases" flush>
      <Loaded query={releases}>
        {({ pages }) => {
          const list = pages.flatMap((page) => page.data);
          if (!list.length) {
            return (
              <Empty icon="commit" title="No release yet">
                Each deploy builds one: the exact commits, Python packages and configuration. The last {environment.keep_releases} are kept to go
                back to.
              </Empty>
            );
          }
          return (
            <ul className="fl-releases">
              {list.map((release) => (
                <Fragment key={release.id}>
                  <li>
                    <div className="fl-release">
                      <span className="fl-release-number">#{release.number}</span>
                      <div style={{ minWidth: 0, flex: 1 }}>
                        <div className="fl-row">
                          <ReleaseLamp state={release.state} />
                          <span className="fl-dim fl-small">
                            <When time={release.created_at} />
                            {release.created_by && ` · ${release.created_by.email}`}
                          </span>
                        </div>
                        <Headline commits={release.commits} />
                      </div>
                      <div className="fl-row">
                        {release.state === "kept" && may("deployments.rollback") && (
                          <Button size="compact-sm" variant="default" disabled={busy} onClick={() => setTarget(release)} aria-label={`Roll back to release ${release.number}`}>
                            Roll back
                          </Button>
                        )}
                        <Button
                          size="compact-sm"
                          variant="subtle"
                          color="gray"
                          aria-expanded={open === release.id}
                          aria-label={`What is in release ${release.number}`}
                          onClick={() => setOpen(open === release.id ? null : release.id)}
                        >
                          <Icon name="chevronDown" size={16} style={{ transform: open === release.id ? "rotate(180deg)" : undefined }} />
                        </Button>
                      </div>
                    </div>
                    {open === release.id && <Contents release={release} />}
                  </li>
                </Fragment>
              ))}
            </ul>
          );
        }}
      </Loaded>
      <More of={releases}>Older releases</More>
      <Modal opened={target != null} onClose={() => setTarget(null)} title={target ? `Roll back to release #${target.number}` : ""}>
        {target && <RollBack environment={environment} release={target} onClose={() => setTarget(null)} />}
      </Modal>
    </Panel>
  );
}

/** The commit that people care about: the last repository's, which is the project's own code. */
function Headline({ commits }: { commits: Commit[] }) {
  const own = commits[commits.length - 1];
  if (!own) return null;
  return (
    <div className="fl-small fl-headline">
      <Mono>{own.commit.slice(0, 8)}</Mono> {own.subject ?? own.repository}
    </div>
  );
}

function Contents({ release }: { release: Release }) {
  const href = useHref();
  return (
    <div className="fl-release-inside">
      <h3>Code</h3>
      <ul className="fl-plain">
        {release.commits.map((commit) => (
          <li key={commit.repository}>
            <strong>{commit.repository}</strong> <span className="fl-dim">{commit.branch}</span> <Mono title={commit.commit}>{commit.commit.slice(0, 12)}</Mono>
            <CopyButton value={commit.commit} label={`Copy the commit of ${commit.repository}`} />
            {commit.subject && <span className="fl-sub">{commit.subject}</span>}
          </li>
        ))}
      </ul>
      {release.python_packages.length > 0 && (
        <details>
          <summary className="fl-small">{release.python_packages.length} Python packages</summary>
          <div className="fl-packages">
            {release.python_packages.map((one) => (
              <Mono key={one.name}>
                {one.name}=={one.version}
              </Mono>
            ))}
          </div>
        </details>
      )}
      <div className="fl-small fl-dim">
        {release.has_database_snapshot ? "A database snapshot is kept." : "No database snapshot is kept."}{" "}
        {release.manifest_sha256 && (
          <>
            Manifest <Mono title={release.manifest_sha256}>{release.manifest_sha256.slice(0, 12)}</Mono>.{" "}
          </>
        )}
        {release.operation_id && <LinkTo href={href(`/operations/${release.operation_id}`)}>The deploy that built it</LinkTo>}
      </div>
    </div>
  );
}
