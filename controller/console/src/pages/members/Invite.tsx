import { Button, NumberInput, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { rolesQuery } from "../../api/roles";
import { useAct } from "../../app/act";
import { useAccess, useGo, useHref, useMay, useOrg } from "../../app/access";
import { Choice } from "../../ui/Choice";
import { Expiry, type Lifetime, seconds } from "../../ui/Expiry";
import { Once } from "../../ui/Once";
import { Page, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { type Projects, ProjectsChoice } from "../../ui/ProjectsChoice";
import { RoleSelect } from "../../ui/RoleSelect";

interface Made {
  link: string;
  email: string | null;
  mailed: boolean;
}

export default function Invite() {
  const href = useHref();
  const go = useGo();
  const { org } = useAccess();
  const [made, setMade] = useState<Made | null>(null);
  return (
    <Page title="Invite" back={{ href: href("/members"), label: "Members" }} lead={`To ${org.name}. Whoever opens the link signs in, or makes an account, and joins.`}>
      {made ? (
        <Panel title={made.email ? `For ${made.email}` : "The invitation's link"}>
          <Once label="Link of the invitation" value={made.link} done="Done" onDone={() => go("/members")}>
            {made.mailed
              ? `${made.email} was mailed a link too; an account can be made by that one alone.`
              : made.email
                ? `It works for an account of ${made.email}. Whoever has none gets another link from whoever looks after the installation.`
                : "Send it to the person yourself."}
          </Once>
        </Panel>
      ) : (
        <Form onMade={setMade} />
      )}
    </Page>
  );
}

function Form({ onMade }: { onMade: (made: Made) => void }) {
  const org = useOrg();
  const may = useMay();
  const client = useQueryClient();
  const roles = useQuery(rolesQuery(org));
  const [who, setWho] = useState<"one" | "link">("one");
  const [email, setEmail] = useState("");
  const [role, setRole] = useState("developer");
  const [projects, setProjects] = useState<Projects>(null);
  const [life, setLife] = useState<Lifetime>("week");
  const [uses, setUses] = useState<number | string>(1);
  const invite = useAct({
    run: (_: void, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/invitations", {
          params: { path: { org }, header: { "Idempotency-Key": key } },
          body: {
            role,
            expires_in_s: seconds(life),
            ...(who === "one" ? { email: email.trim() } : { uses: Number(uses) || 1 }),
            ...(projects ? { projects } : {}),
          },
        }),
      ),
    done: ({ invitation, link, mailed }) => {
      void client.invalidateQueries({ queryKey: keys.invitations(org) });
      onMade({ link, email: invitation.email, mailed });
    },
    quiet: true,
  });
  const { error } = invite;
  return (
    <Loaded query={roles}>
      {(all) => (
        <form
          className="fl-stack"
          onSubmit={(event) => {
            event.preventDefault();
            invite.mutate();
          }}
        >
          <Panel title="Who" hint="An invitation for an address works for that address alone.">
            <div className="fl-form">
              <Choice
                label="For"
                value={who}
                onChange={setWho}
                options={[
                  ["one", "One person", "Only with their e-mail address"],
                  ["link", "Whoever has the link", "Several may join by it; mind who sees it"],
                ]}
              />
              {who === "one" ? (
                <TextInput label="E-mail" type="email" maxLength={254} value={email} onChange={(e) => setEmail(e.currentTarget.value)} error={error?.field("email")} autoFocus />
              ) : (
                <NumberInput label="How many may join" min={1} max={50} allowDecimal={false} value={uses} onChange={setUses} error={error?.field("uses")} />
              )}
              <Expiry choices={["day", "week", "month"]} value={life} onChange={setLife} error={error?.field("expires_in_s")} />
            </div>
          </Panel>
          <Panel title="What they may" hint="It can be changed later, and more exactly, on the member's page.">
            <div className="fl-form">
              <RoleSelect roles={all} value={role} onChange={setRole} error={error?.field("role")} />
              {may("members.limit") && <ProjectsChoice what="The person" value={projects} onChange={setProjects} error={error?.field("projects")} />}
            </div>
          </Panel>
          {error && <ProblemNote error={error} />}
          <div className="fl-row">
            <Button type="submit" loading={invite.isPending} disabled={(who === "one" && !email.trim()) || projects?.length === 0}>
              Make the invitation
            </Button>
          </div>
        </form>
      )}
    </Loaded>
  );
}
