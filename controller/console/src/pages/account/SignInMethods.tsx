import { useQuery } from "@tanstack/react-query";
import { accountQuery } from "../../api/account";
import { Loaded } from "../../ui/Problem";
import { Identities } from "./Identities";
import { Passkeys } from "./Passkeys";
import { Password } from "./Password";
import { TwoFactor } from "./TwoFactor";

/** Every way that leads into the account. */
export default function SignInMethods() {
  const account = useQuery(accountQuery);
  return (
    <Loaded query={account}>
      {(one) => (
        <>
          <TwoFactor account={one} />
          <Passkeys />
          <Password account={one} />
          <Identities />
        </>
      )}
    </Loaded>
  );
}
