import { Button } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { lettersQuery, registrationQuery } from "../../api/account";
import { ApiError } from "../../api/client";
import type { PendingLink } from "../../api/types";
import { Mono } from "../../ui/bits";
import { CopyButton } from "../../ui/Command";
import { Icon } from "../../ui/Icon";
import { More } from "../../ui/More";
import { Empty, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";

const kinds: Record<string, string> = {
  verify_email: "Confirm a new account",
  change_email: "Confirm a new address",
  reset_password: "Choose a new password",
  invitation: "Invitation",
  known_already: "News: has an account already",
  address_changed: "News: address changed",
  password_was_reset: "News: password changed",
};

/** What the controller would have mailed, or has not been able to mail yet. */
export default function Letters() {
  const letters = useInfiniteQuery(lettersQuery);
  const mail = useQuery(registrationQuery).data?.mail;
  if (letters.error instanceof ApiError && letters.error.code === "operator_required") {
    return (
      <Page title="Mail that waits">
        <p className="fl-dim">This page is for whoever looks after the installation.</p>
      </Page>
    );
  }
  return (
    <Page
      title="Mail that waits"
      lead={mail === false ? "This controller sends no mail: hand these links over yourself, each to its person alone. Whoever has one acts as that person." : "Letters that have not gone out yet."}
      actions={
        <Button variant="default" leftSection={<Icon name="restart" size={16} />} loading={letters.isRefetching} onClick={() => void letters.refetch()}>
          Look again
        </Button>
      }
    >
      <Panel flush>
        <Loaded query={letters}>
          {({ pages }) => {
            const list = pages.flatMap((page) => page.data);
            return list.length ? (
              <Table label="Letters" head={["For", "What", "Link", "Made", "Ends"]}>
                {list.map((one) => (
                  <Row key={one.id}>
                    <td>
                      <strong>{one.email}</strong>
                    </td>
                    <td data-name="What">{kinds[one.kind] ?? one.kind.replaceAll("_", " ")}</td>
                    <td data-name="Link">{one.link ? <Link email={one.email} link={one.link} /> : mail === false ? <span className="fl-dim">none</span> : <Attempts letter={one} />}</td>
                    <td data-name="Made">
                      <When time={one.created_at} />
                    </td>
                    <td data-name="Ends">
                      <When time={one.expires_at} />
                    </td>
                  </Row>
                ))}
              </Table>
            ) : (
              <Empty icon="mail" title="Nothing waits">
                {mail === false
                  ? "Links appear here when somebody registers, forgets a password, changes an address or is invited. To have them mailed, set mail in controller.yaml."
                  : "All letters have gone out."}
              </Empty>
            );
          }}
        </Loaded>
        <More of={letters}>Older letters</More>
      </Panel>
    </Page>
  );
}

function Link({ email, link }: { email: string; link: string }) {
  return (
    <span className="fl-letter-link">
      <Mono title={link}>{link.replace(/^https:\/\/[^/]+/, "").replace(/#.*/, "#…")}</Mono>
      <CopyButton value={link} label={`Copy the link for ${email}`} />
    </span>
  );
}

function Attempts({ letter: { attempts, next_attempt_at, last_error } }: { letter: PendingLink }) {
  return (
    <>
      {attempts === 0 ? "Not tried yet" : `Tried ${attempts} times`}
      {next_attempt_at ? (
        <>
          , next <When time={next_attempt_at} />
        </>
      ) : attempts > 0 ? (
        ", given up"
      ) : null}
      {last_error && <span className="fl-sub">{last_error}</span>}
    </>
  );
}
