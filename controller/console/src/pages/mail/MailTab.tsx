import { Alert, Button, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, type FormEvent, type ReactNode } from "react";
import { May, useHref, useMay, useOrg } from "../../app/access";
import { tell, useAct } from "../../app/act";
import { ApiError } from "../../api/client";
import { keys } from "../../api/keys";
import { operationQuery } from "../../api/operations";
import { deleteAllMail, mailQuery, mailSettingsQuery } from "../../api/mail";
import type { CapturedMail, Environment, MailSettings } from "../../api/types";
import { bytes, count } from "../../lib/format";
import { isFinal } from "../../live/reduce";
import { LinkTo, Mono } from "../../ui/bits";
import { Confirm } from "../../ui/Confirm";
import { Icon } from "../../ui/Icon";
import { More } from "../../ui/More";
import { Empty, Panel } from "../../ui/Page";
import { Loaded, ProblemNote, Waiting } from "../../ui/Problem";
import { kindName } from "../../ui/status";
import { Table } from "../../ui/Table";
import { When } from "../../ui/time";
import { MailSettingsForm } from "./MailSettings";
import { MailView } from "./MailView";

/** What an environment would have sent. */
export default function MailTab({ environment }: { environment: Environment }) {
  const org = useOrg();
  const settings = useQuery(mailSettingsQuery(org, environment));
  return <Loaded query={settings}>{(now) => <Captures key={environment.id} environment={environment} settings={now} />}</Loaded>;
}

function Captures({ environment, settings }: { environment: Environment; settings: MailSettings }) {
  const [open, setOpen] = useState<CapturedMail | null>(null);
  const [changing, setChanging] = useState(false);
  const change = settings.available && (
    <May permission="mail.configure">
      <Button variant="default" leftSection={<Icon name="settings" size={15} />} onClick={() => setChanging(true)}>
        Settings…
      </Button>
    </May>
  );
  const none = nothing(environment, settings);
  return (
    <>
      <Failed environment={environment} />
      {none && (!settings.available || !environment.current_release) ? (
        <None {...none} action={change} />
      ) : open ? (
        <MailView environment={environment} mail={open} onClose={() => setOpen(null)} />
      ) : (
        <MailList environment={environment} settings={settings} none={none} onOpen={setOpen} actions={change} />
      )}
      {changing && <MailSettingsForm environment={environment} settings={settings} onClose={() => setChanging(false)} />}
    </>
  );
}

/** What the server would not or could not do, such as for a policy from before there were captures. */
function Failed({ environment: { last_operation: last } }: { environment: Environment }) {
  const org = useOrg();
  const href = useHref();
  const failed = last && last.kind.startsWith("mail.") && (last.state === "failed" || last.state === "expired");
  const operation = useQuery({ ...operationQuery(org, last?.id ?? ""), enabled: failed === true });
  if (!failed) return null;
  return (
    <Alert color="signal" icon={<Icon name="warning" />} title={`${kindName(last.kind)} this environment: that did not work`} mb="md">
      {operation.data?.error?.message} <LinkTo href={href(`/operations/${last.id}`)}>See that operation</LinkTo>
    </Alert>
  );
}

interface Nothing {
  title: string;
  says: string;
}

function None({ title, says, action }: Nothing & { action: ReactNode }) {
  return (
    <Panel>
      <Empty icon="mail" title={title} action={action}>
        {says}
      </Empty>
    </Panel>
  );
}

/** Why nothing is captured now, and what to do. */
function nothing(environment: Environment, settings: MailSettings): Nothing | null {
  if (!settings.available)
    return { title: "Production sends its mail", says: "Mail is captured on development and staging alone. Clone production into a staging environment to look at what it would send." };
  if (settings.captured) return null;
  if (!environment.current_release)
    return { title: "Nothing is deployed yet", says: settings.capture ? "From the first deployment on, what Odoo sends stays on the server and is shown here." : "Its mail will be sent. Turn captures on to keep it on the server." };
  if (settings.capture)
    return { title: "Not captured yet", says: "The release that is live sends its mail. Deploy again, and it stays on the server from then on. Where that changes nothing, the server's agent is too old: update its package first." };
  return { title: "Its mail is sent", says: "Turn captures on, and from the next deployment on what Odoo sends stays on the server and is shown here." };
}

function MailList({ environment, settings, none, onOpen, actions }: { environment: Environment; settings: MailSettings; none: Nothing | null; onOpen: (mail: CapturedMail) => void; actions: ReactNode }) {
  const org = useOrg();
  const [typed, type] = useState("");
  const [search, setSearch] = useState("");
  const [purging, setPurging] = useState(false);
  const list = useInfiniteQuery(mailQuery(org, environment.id, search));
  useDeleted(environment);
  const all = list.data?.pages.flatMap((page) => page.mails) ?? [];
  const first = list.data?.pages[0]?.end;
  const find = (event: FormEvent) => {
    event.preventDefault();
    setSearch(typed.trim());
  };
  const wrong = list.error instanceof ApiError ? list.error.field("search") : undefined;
  if (none && list.error instanceof ApiError && list.error.code === "mail_not_offered") return <None {...none} action={actions} />;
  return (
    <Panel flush>
      {none && (
        <Alert color="brass" icon={<Icon name="info" />} title={none.title} m="md">
          {none.says} What was captured before is below, until it reaches its age.
        </Alert>
      )}
      <div className="fl-mail-filter">
        <form onSubmit={find} className="fl-mail-search" role="search">
          <TextInput aria-label="Search" placeholder="Sender, recipient or subject" value={typed} maxLength={200} onChange={(e) => type(e.currentTarget.value)} leftSection={<Icon name="search" size={15} />} error={wrong} />
          <Button type="submit" variant="default" disabled={typed.trim() === search}>
            Find
          </Button>
        </form>
        <Button variant="default" leftSection={<Icon name="restart" size={15} />} loading={list.isRefetching} onClick={() => void list.refetch()}>
          Refresh
        </Button>
        {actions}
        <May permission="mail.delete">
          <Button variant="default" color="signal" leftSection={<Icon name="trash" size={15} />} disabled={!first?.messages} onClick={() => setPurging(true)}>
            Delete all…
          </Button>
        </May>
      </div>
      {list.error && !wrong && <ProblemNote error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Waiting />}
      {first && (
        <p className="fl-dim fl-small" style={{ margin: "0 14px 10px" }}>
          {count(first.messages ?? 0, "message")}, {bytes(first.bytes)} on the server. They stay for {count(settings.keep_days, "day")}, at most {settings.keep_messages.toLocaleString("en")} of them and {bytes(settings.keep_bytes)}.
        </p>
      )}
      {first && !all.length && !list.hasNextPage && (
        <Empty icon="mail" title={search ? "No such message" : "No mail yet"}>
          {search ? "Nothing that is there now has this in its sender, recipients or subject." : "Have Odoo send something, such as a quotation or a password reset. It stays on the server and appears here after a refresh."}
        </Empty>
      )}
      {all.length > 0 && (
        <Table label={`Captured mail of ${environment.name}`} head={["Subject", "From", "To", "Size", "Time"]}>
          {all.map((mail) => (
            <tr key={mail.id} data-link onClick={() => onOpen(mail)}>
              <td data-label="Subject">
                <button type="button" className="fl-mail-subject">
                  {mail.subject || "(no subject)"}
                </button>
              </td>
              <td data-label="From" className="fl-mail-cell">
                {mail.from || mail.sender || "–"}
              </td>
              <td data-label="To" className="fl-mail-cell">
                {recipients(mail)}
              </td>
              <td data-label="Size">{bytes(mail.bytes)}</td>
              <td data-label="Time">
                <When time={mail.at} />
              </td>
            </tr>
          ))}
        </Table>
      )}
      <More of={list}>{list.data?.pages.at(-1)?.end.end === "time" ? "Look further back" : "Older messages"}</More>
      {purging && <DeleteAll environment={environment} messages={first?.messages ?? 0} onClose={() => setPurging(false)} />}
    </Panel>
  );
}

/** Fetches the list anew when the server has deleted something. */
function useDeleted({ id, last_operation: last }: Environment) {
  const org = useOrg();
  const client = useQueryClient();
  const done = last?.kind === "mail.delete" && isFinal(last.state) ? last.id : "";
  useEffect(() => {
    if (done) void client.invalidateQueries({ queryKey: keys.mail(org, id) });
  }, [client, org, id, done]);
}

/** Those of the envelope: copies that the header does not name are among them. */
function recipients(mail: CapturedMail): string {
  const more = mail.recipient_count - mail.recipients.length;
  return mail.recipients.join(", ") + (more > 0 ? ` and ${more} more` : "") || mail.to || "–";
}

function DeleteAll({ environment, messages, onClose }: { environment: Environment; messages: number; onClose: () => void }) {
  const org = useOrg();
  const may = useMay();
  const act = useAct({
    run: (_: void, key) => deleteAllMail(org, environment.id, key),
    done: () => {
      tell(may("operations.view") ? "The server deletes it; the operation says when it has." : "The server deletes it.", "Deletion asked for");
      onClose();
    },
    quiet: true,
  });
  return (
    <Confirm opened onClose={onClose} title={`Delete all captured mail of ${environment.name}`} act="Delete all" onConfirm={() => act.mutate()} busy={act.isPending} error={act.error}>
      {count(messages, "message")} and what comes in meanwhile go from the server for good. Odoo keeps its own record of what it sent. <Mono>{environment.slug}</Mono> goes on capturing.
    </Confirm>
  );
}
