import { Alert, Button, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { May, useOrg } from "../../app/access";
import { tell, useAct } from "../../app/act";
import { deleteMail, mailFile, mailMessageQuery } from "../../api/mail";
import type { CapturedMail, Environment } from "../../api/types";
import { bytes, count, exact } from "../../lib/format";
import { beginning, mostHtml, mostText, type OpenedMail } from "../../lib/mail";
import { cleanMail, showMail, type CleanMail } from "../../lib/mailHtml";
import { save } from "../../lib/save";
import { Facts, Mono } from "../../ui/bits";
import { Confirm } from "../../ui/Confirm";
import { Icon } from "../../ui/Icon";
import { Empty, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Table } from "../../ui/Table";

const mostRaw = 256 * 1024;

/** One captured message. */
export function MailView({ environment, mail, onClose }: { environment: Environment; mail: CapturedMail; onClose: () => void }) {
  const org = useOrg();
  const [deleting, setDeleting] = useState(false);
  const message = useQuery(mailMessageQuery(org, environment.id, mail.id));
  const more = mail.recipient_count - mail.recipients.length;
  return (
    <div className="fl-stack">
      <Panel
        title={mail.subject || "(no subject)"}
        actions={
          <>
            <Button size="xs" variant="default" onClick={onClose}>
              All messages
            </Button>
            <Button size="xs" variant="default" component="a" href={mailFile(org, environment.id, mail.id)} download leftSection={<Icon name="download" size={14} />}>
              Raw file
            </Button>
            <May permission="mail.delete">
              <Button size="xs" variant="default" color="signal" leftSection={<Icon name="trash" size={14} />} onClick={() => setDeleting(true)}>
                Delete…
              </Button>
            </May>
          </>
        }
      >
        <Facts
          items={[
            ["From", mail.from || "–"],
            ["To", mail.to || "–"],
            ["Envelope", `${mail.sender || "<>"} → ${mail.recipients.join(", ")}${more > 0 ? ` and ${more} more` : ""}`],
            ["Captured", exact(mail.at)],
            ["Size", bytes(mail.bytes)],
          ]}
        />
      </Panel>
      <Loaded query={message}>{(opened) => <Parts opened={opened} />}</Loaded>
      {deleting && <DeleteOne environment={environment} mail={mail} onClose={() => setDeleting(false)} onDone={onClose} />}
    </div>
  );
}

function Parts({ opened }: { opened: OpenedMail }) {
  const clean = useMemo(() => (opened.html ? cleanMail(opened.html, opened.pictures) : null), [opened]);
  return (
    <Panel flush>
      {opened.problem && (
        <Alert color="brass" icon={<Icon name="warning" />} title="It could not be taken apart" m="md">
          {opened.problem} The raw message is below.
        </Alert>
      )}
      <Tabs defaultValue={clean ? "html" : opened.text ? "text" : "raw"} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="html" disabled={!clean}>
            HTML
          </Tabs.Tab>
          <Tabs.Tab value="text" disabled={!opened.text}>
            Text
          </Tabs.Tab>
          <Tabs.Tab value="headers">Headers</Tabs.Tab>
          <Tabs.Tab value="attachments">{`Attachments (${opened.attachments.length})`}</Tabs.Tab>
          <Tabs.Tab value="raw">Raw</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="html">{clean && <Html clean={clean} cut={opened.html.length >= mostHtml} />}</Tabs.Panel>
        <Tabs.Panel value="text">
          <pre className="fl-mail-text" tabIndex={0}>
            {opened.text}
            {opened.text.length >= mostText && "\n(It goes on; the raw file has it all.)"}
          </pre>
        </Tabs.Panel>
        <Tabs.Panel value="headers">
          <Table label="Headers" head={["Name", "Value"]}>
            {opened.headers.map((one, at) => (
              <tr key={at}>
                <td data-label="Name">
                  <Mono>{one.name}</Mono>
                </td>
                <td data-label="Value" className="fl-mail-cell">
                  {one.value}
                </td>
              </tr>
            ))}
          </Table>
        </Tabs.Panel>
        <Tabs.Panel value="attachments">
          <Attachments opened={opened} />
        </Tabs.Panel>
        <Tabs.Panel value="raw">
          <pre className="fl-mail-text" tabIndex={0}>
            {beginning(opened.raw, mostRaw)}
            {opened.raw.length > mostRaw && "\n(It goes on; the raw file has it all.)"}
          </pre>
        </Tabs.Panel>
      </Tabs>
    </Panel>
  );
}

/** A page of its own, whose policy lets nothing be fetched but what stands in it. */
const shell = `<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:"><meta name="referrer" content="no-referrer"></head><body></body></html>`;

/** No scripts, forms, windows or ways out. It shares the console's origin so that the console can fill it, which nothing in it can make use of. */
function Html({ clean, cut }: { clean: CleanMail; cut: boolean }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const fill = () => {
    const page = frame.current?.contentDocument;
    if (page?.body) showMail(page, clean);
  };
  return (
    <>
      {(clean.remote > 0 || cut) && (
        <p className="fl-dim fl-small" style={{ margin: "10px 14px" }} role="note">
          {clean.remote > 0 && `${count(clean.remote, "picture")} from elsewhere ${clean.remote === 1 ? "is" : "are"} left out: nothing is fetched for captured mail. `}
          {cut && "The message goes on; the raw file has it all."}
        </p>
      )}
      <iframe ref={frame} className="fl-mail-frame" title="The message" sandbox="allow-same-origin" srcDoc={shell} onLoad={fill} referrerPolicy="no-referrer" />
      {clean.links.length > 0 && (
        <details>
          <summary style={{ padding: "10px 14px", cursor: "pointer" }}>{count(clean.links.length, "link")} in the message</summary>
          <ol className="fl-mail-links">
            {clean.links.map((one, at) => (
              <li key={at}>
                {one.text && `${one.text}: `}
                <a href={one.href} target="_blank" rel="noreferrer noopener">
                  {one.href}
                </a>
              </li>
            ))}
          </ol>
        </details>
      )}
    </>
  );
}

function Attachments({ opened }: { opened: OpenedMail }) {
  if (!opened.attachments.length)
    return (
      <Empty icon="mail" title="No attachments">
        Files that the message brings are listed here.
      </Empty>
    );
  return (
    <Table label="Attachments" head={["Name", "Says that it is", "Size", { label: "Acts", hidden: true, className: "fl-acts" }]}>
      {opened.attachments.map((one, at) => (
        <tr key={at}>
          <td data-label="Name" className="fl-mail-cell">
            {one.name}
          </td>
          <td data-label="Says that it is">
            <Mono>{one.type}</Mono>
          </td>
          <td data-label="Size">{bytes(one.content.length)}</td>
          <td className="fl-acts">
            <Button size="xs" variant="default" leftSection={<Icon name="download" size={14} />} onClick={() => save(one.name, one.content)}>
              Download
            </Button>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function DeleteOne({ environment, mail, onClose, onDone }: { environment: Environment; mail: CapturedMail; onClose: () => void; onDone: () => void }) {
  const org = useOrg();
  const act = useAct({
    run: (_: void, key) => deleteMail(org, environment.id, mail.id, key),
    done: () => {
      tell("The server deletes it.", "Deletion asked for");
      onDone();
    },
    quiet: true,
  });
  return (
    <Confirm opened onClose={onClose} title="Delete this message" act="Delete" onConfirm={() => act.mutate()} busy={act.isPending} error={act.error}>
      “{mail.subject || "(no subject)"}” goes from the server for good.
    </Confirm>
  );
}
