import { Button, Modal } from "@mantine/core";
import { useState } from "react";
import { api, need } from "../../api/client";
import type { Account } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { count } from "../../lib/format";
import { Confirm } from "../../ui/Confirm";
import { Panel } from "../../ui/Page";
import { Lamp } from "../../ui/status";
import { When } from "../../ui/time";
import { CodesDialog } from "./RecoveryCodes";
import { TotpSetUp, type TotpKey } from "./TotpSetUp";
import { useWaysChanged, Way } from "./way";

/** The authenticator app, and the codes for the day when it is lost. */
export function TwoFactor({ account }: { account: Account }) {
  const [key, setKey] = useState<TotpKey | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const [removing, setRemoving] = useState(false);
  const [renewing, setRenewing] = useState(false);
  const changed = useWaysChanged();
  const factors = account.second_factors.filter((way) => way !== "recovery_code");
  const last = factors.length === 1 && factors[0] === "totp";

  const begin = useAct({ run: (_: void, id) => need(api.POST("/api/v1/account/totp", { params: { header: { "Idempotency-Key": id } } })), done: setKey });
  const remove = useAct({
    run: () => need(api.DELETE("/api/v1/account/totp")),
    done: () => {
      setRemoving(false);
      tell("Codes of the app are not asked for any more.");
      changed();
    },
    quiet: true,
  });
  const renew = useAct({
    run: (_: void, id) => need(api.POST("/api/v1/account/recovery-codes", { params: { header: { "Idempotency-Key": id } } })),
    done: ({ recovery_codes }) => {
      setRenewing(false);
      setCodes(recovery_codes);
      changed();
    },
    quiet: true,
  });

  return (
    <Panel
      title="Two-factor sign-in"
      actions={<Lamp tone={factors.length ? "good" : "warn"}>{factors.length ? "On" : "Off"}</Lamp>}
      flush
    >
      <ul className="fl-plain">
        <Way
          icon="phone"
          title="Authenticator app"
          acts={
            account.totp_since ? (
              <Button
                size="xs"
                variant="default"
                onClick={() => {
                  remove.reset();
                  setRemoving(true);
                }}
              >
                Remove
              </Button>
            ) : (
              <Button size="xs" loading={begin.isPending} onClick={() => begin.mutate()}>
                Set up
              </Button>
            )
          }
        >
          {account.totp_since ? (
            <>
              On, since <When time={account.totp_since} />
            </>
          ) : (
            "Six digits from an app on your phone, asked for after the password. A passkey does the same."
          )}
        </Way>
        {factors.length > 0 && (
          <Way
            icon="key"
            title="Recovery codes"
            acts={
              <Button
                size="xs"
                variant={account.recovery_codes_left ? "default" : "filled"}
                onClick={() => {
                  renew.reset();
                  if (account.recovery_codes_left) setRenewing(true);
                  else renew.mutate();
                }}
                loading={renew.isPending && !renewing}
              >
                {account.recovery_codes_left ? "Make new ones" : "Make ten"}
              </Button>
            }
          >
            {account.recovery_codes_left ? (
              `${count(account.recovery_codes_left, "code")} left`
            ) : (
              <Lamp tone="warn">None: whoever loses app and passkey stays outside</Lamp>
            )}
          </Way>
        )}
      </ul>

      <Modal opened={key !== null} onClose={() => setKey(null)} title="Set up the authenticator app" closeOnClickOutside={false}>
        {key && (
          <TotpSetUp
            of={key}
            onCancel={() => setKey(null)}
            onDone={(made) => {
              setKey(null);
              changed();
              if (made.length) setCodes(made);
              else tell("Codes of the app are asked for from now on.");
            }}
          />
        )}
      </Modal>
      <CodesDialog codes={codes} onClose={() => setCodes(null)} />
      <Confirm opened={removing} onClose={() => setRemoving(false)} title="Remove the authenticator app" act="Remove" onConfirm={() => remove.mutate()} busy={remove.isPending} error={remove.error}>
        {last ? (
          <p>It is your last second factor: from then on the password alone signs in, and the recovery codes are void.</p>
        ) : (
          <p>Its codes do not sign you in any more. Passkeys and recovery codes still do.</p>
        )}
      </Confirm>
      <Confirm opened={renewing} onClose={() => setRenewing(false)} title="New recovery codes" act="Make new ones" danger={false} onConfirm={() => renew.mutate()} busy={renew.isPending} error={renew.error}>
        <p>Ten new codes are made, and the {account.recovery_codes_left} that you have are void.</p>
      </Confirm>
    </Panel>
  );
}
